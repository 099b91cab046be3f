// Programs by name: on PATH, then where installers put them. A program that a desktop starts has a PATH without those.
import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

export function folders(environ, platform) {
  const home = environ.HOME || environ.USERPROFILE || homedir();
  const usual = [join(home, ".local", "bin"), join(home, ".cargo", "bin")];
  if (platform === "darwin") usual.push("/opt/homebrew/bin", "/usr/local/bin");
  const path = environ.PATH ?? environ.Path ?? "";
  return [...new Set([...path.split(delimiter), ...usual])].filter(Boolean);
}

/** The first of these folders' programs of that name, or undefined. Batch files are not looked for: they need a shell. */
export function program(name, places, platform) {
  const file = platform === "win32" ? `${name}.exe` : name;
  return places.map((place) => join(place, file)).find(isProgram);
}

function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether it runs at all. */
export const works = (path) => ask([path, "--version"]) !== undefined;

/** What a short command prints, or undefined if it fails. */
export function ask([path, ...args]) {
  const options = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], timeout: 20_000, windowsHide: true };
  const done = spawnSync(path, args, options);
  return done.status === 0 ? done.stdout : undefined;
}
