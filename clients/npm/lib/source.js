// What is installed: the Python package of our own version, or what INVOKER_MCP_SOURCE names (a checkout's
// clients/python, or a wheel), in the words of each installer.
import { statSync } from "node:fs";
import { join, resolve } from "node:path";

export function source(environ, version) {
  const named = environ.INVOKER_MCP_SOURCE?.trim();
  return named ? local(resolve(named)) : released(`invoker-mcp==${version}`, version);
}

function released(pinned, version) {
  return { id: version, uvx: ["--from", pinned], pipx: ["--spec", pinned], pip: [pinned] };
}

function local(path) {
  const folder = changed(path)?.isDirectory();
  const about = changed(folder ? join(path, "pyproject.toml") : path);
  return {
    id: `${path} ${about?.mtimeMs} ${about?.size}`,
    // editable: what is changed in the folder is run at the next start, without installing it again
    uvx: folder ? ["--with-editable", path] : ["--from", path],
    pipx: ["--no-cache", "--spec", path],
    pip: folder ? ["--editable", path] : [path],
  };
}

const changed = (path) => statSync(path, { throwIfNoEntry: false });
