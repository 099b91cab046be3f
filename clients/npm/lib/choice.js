// Which command runs the server here: the one that was named, else uv's, else pipx's, else a Python's own.
import { readFileSync } from "node:fs";
import { environment } from "./environment.js";
import { folders, program, works } from "./programs.js";
import { OLDEST, pythons } from "./pythons.js";
import { source } from "./source.js";
import { words } from "./words.js";

const VERSION = JSON.parse(readFileSync(new URL("../package.json", import.meta.url))).version;
const MODULE = "invoker_mcp.server.main";

export class NothingFound extends Error {}

export async function choose(environ, platform) {
  if (environ.INVOKER_MCP_COMMAND?.trim()) return words(environ.INVOKER_MCP_COMMAND, platform);
  const wanted = source(environ, VERSION);
  const places = folders(environ, platform);
  const uvx = program("uvx", places, platform);
  // a version manager's stand-in is there even where the program is not
  if (uvx && works(uvx)) return [uvx, "--python", `>=${OLDEST.join(".")}`, ...wanted.uvx, "invoker-mcp"];
  const pipx = program("pipx", places, platform);
  const found = pythons(places, platform);
  if (pipx && works(pipx)) {
    const python = found.usable ? ["--python", found.usable.path] : [];
    return [pipx, "run", ...python, ...wanted.pipx, "invoker-mcp"];
  }
  if (!found.usable) throw new NothingFound(nothing(found));
  return [await environment(found.usable, wanted, environ, platform), "-m", MODULE];
}

function nothing({ tooOld, incomplete }) {
  return [
    "this needs uv, pipx, or Python 3.11 or newer, and found none of them. One of these is enough:",
    "  macOS            brew install uv",
    "  Windows          winget install astral-sh.uv",
    "  Debian, Ubuntu   sudo apt install python3 python3-venv",
    "  Fedora           sudo dnf install python3",
    "  anywhere         https://docs.astral.sh/uv/getting-started/installation/",
    "                   https://www.python.org/downloads/",
    ...tooOld.map((python) => `Too old: ${python.path} is ${python.version.join(".")}.`),
    ...incomplete.map((python) => `${python.path} cannot make virtual environments: install python3-venv.`),
    "Then start your assistant again. Something else that runs the server can be named in INVOKER_MCP_COMMAND.",
  ].join("\n");
}
