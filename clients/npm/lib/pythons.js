// The Pythons of this machine: the first that will do, and those that will not, to say why.
import { ask, program } from "./programs.js";

export const OLDEST = [3, 11];
const NAMES = ["python3", "python3.14", "python3.13", "python3.12", "python3.11", "python"];
// runs on any Python; Debian keeps these modules in a package of their own
const QUESTION = `
import sys
print("%d.%d" % sys.version_info[:2])
print(sys.executable)
try:
    import ensurepip, venv
    print("complete")
except ImportError:
    print("incomplete")
`;

export function pythons(places, platform) {
  const tooOld = [];
  const incomplete = [];
  for (const command of commands(places, platform)) {
    const python = described(command);
    if (!python) continue;
    if (older(python.version, OLDEST)) tooOld.push(python);
    else if (!python.complete) incomplete.push(python);
    else return { usable: python, tooOld, incomplete };
  }
  return { usable: undefined, tooOld, incomplete };
}

function* commands(places, platform) {
  const launcher = platform === "win32" && program("py", places, platform);
  if (launcher) yield [launcher, "-3"];
  for (const name of NAMES) {
    const path = program(name, places, platform);
    if (path) yield [path];
  }
}

function described(command) {
  const lines = ask([...command, "-c", QUESTION])?.trim().split(/\r?\n/);
  if (lines?.length !== 3) return undefined;
  const [version, path, complete] = lines;
  return { path, version: version.split(".").map(Number), complete: complete === "complete" };
}

const older = ([major, minor], [least, lesser]) => major < least || (major === least && minor < lesser);
