// A virtual environment of our own in the user's cache, made once for each version of package and Python.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { locked } from "./lock.js";
import { run } from "./run.js";

const HOUR = 3_600_000;

export class NotInstalled extends Error {}

/** A signal ended what was being made. */
export class Interrupted extends Error {
  constructor(outcome) {
    super(`ended by ${outcome.signal}`);
    this.outcome = outcome;
  }
}

/** Give the environment's Python, which has the package. */
export async function environment(python, wanted, environ, platform) {
  const root = join(cache(environ, platform), "invoker-mcp");
  const made = join(root, name(python, wanted));
  const inside = (folder) =>
    platform === "win32" ? join(folder, "Scripts", "python.exe") : join(folder, "bin", "python");
  // a link to a Python that is gone counts as missing
  const ready = () => existsSync(inside(made));
  if (!ready()) {
    mkdirSync(root, { recursive: true });
    await locked(`${made}.lock`, ready, () => make(python, wanted, { root, made, inside, ready }));
  }
  return inside(made);
}

function cache(environ, platform) {
  const home = environ.HOME || environ.USERPROFILE || homedir();
  if (platform === "win32") return environ.LOCALAPPDATA || join(home, "AppData", "Local");
  if (platform === "darwin") return join(home, "Library", "Caches");
  return environ.XDG_CACHE_HOME || join(home, ".cache");
}

function name(python, wanted) {
  const digest = createHash("sha256").update(`${python.path}\n${wanted.id}`).digest("hex");
  return `py${python.version.join(".")}-${digest.slice(0, 16)}`;
}

async function make(python, wanted, { root, made, inside, ready }) {
  sweep(root);
  // made under another name and moved when it is whole; the server is run as a module, so nothing knows the old name
  const making = mkdtempSync(join(root, "making-"));
  say(`first start: installing ${wanted.pip.at(-1)} with ${python.path} into ${made}`);
  const began = Date.now();
  try {
    await step([python.path, "-m", "venv", making]);
    const quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"];
    await step([inside(making), "-m", "pip", "install", ...quiet, ...wanted.pip]);
    if (!ready()) {
      rmSync(made, { recursive: true, force: true });
      await move(making, made);
    }
  } finally {
    rmSync(making, { recursive: true, force: true, maxRetries: 3 });
  }
  say(`installed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** Remove what a start that was killed left behind; what is younger may be in the making. */
function sweep(root) {
  for (const left of readdirSync(root).filter((each) => each.startsWith("making-"))) {
    const path = join(root, left);
    const about = statSync(path, { throwIfNoEntry: false });
    if (about && Date.now() - about.mtimeMs > HOUR) rmSync(path, { recursive: true, force: true });
  }
}

/** Run one command; what it prints goes to stderr. */
async function step(command) {
  const outcome = await run(command, { stdio: ["ignore", 2, 2] });
  if (outcome.signal) throw new Interrupted(outcome);
  if (outcome.code !== 0) throw new NotInstalled(`could not install the server (above is why): ${command.join(" ")}`);
}

/** Rename a folder: on Windows a virus scanner may hold new files for a moment. */
async function move(from, to) {
  for (let tries = 20; ; tries -= 1) {
    try {
      return renameSync(from, to);
    } catch (error) {
      if (tries === 0 || !["EPERM", "EACCES", "EBUSY"].includes(error.code)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}

const say = (text) => process.stderr.write(`invoker-mcp: ${text}\n`);
