// Which command is chosen, with machines that have some of the programs.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { choose, NothingFound } from "../lib/choice.js";
import { Machine } from "./stand_ins.js";

const posix = { skip: process.platform === "win32" && "the stand-ins are scripts" };
const choice = (machine, environ = {}) => choose({ ...machine.environ, ...environ }, "linux");

test("a command that is named goes before all", posix, async () => {
  const machine = new Machine();
  machine.runner("uvx");
  assert.deepEqual(await choice(machine, { INVOKER_MCP_COMMAND: "'/my python' -m it" }), ["/my python", "-m", "it"]);
});

test("uvx runs the version of this package", posix, async () => {
  const machine = new Machine();
  const uvx = machine.runner("uvx");
  machine.runner("pipx");
  machine.python("python3");
  const expected = [uvx, "--python", ">=3.11", "--from", "invoker-mcp==0.1.0", "invoker-mcp"];
  assert.deepEqual(await choice(machine), expected);
});

test("what a desktop's PATH lacks is found where installers put it", posix, async () => {
  const machine = new Machine();
  mkdirSync(join(machine.home, ".local", "bin"), { recursive: true });
  const uvx = machine.runner(join(".local", "bin", "uvx"));
  assert.equal((await choice(machine, { PATH: "/nowhere" }))[0], uvx);
});

test("a uvx that does not work is passed over, and pipx gets a Python that will do", posix, async () => {
  const machine = new Machine();
  machine.add("uvx", "process.exit(127)");
  const pipx = machine.runner("pipx");
  machine.python("python3", { version: "3.9" });
  const python = machine.python("python3.13", { version: "3.13" });
  const expected = [pipx, "run", "--python", python, "--spec", "invoker-mcp==0.1.0", "invoker-mcp"];
  assert.deepEqual(await choice(machine), expected);
});

test("pipx without such a Python uses its own", posix, async () => {
  const machine = new Machine();
  const pipx = machine.runner("pipx");
  assert.deepEqual(await choice(machine), [pipx, "run", "--spec", "invoker-mcp==0.1.0", "invoker-mcp"]);
});

test("a checkout, or a wheel, in the package's place", posix, async () => {
  const machine = new Machine();
  const checkout = join(machine.home, "checkout");
  mkdirSync(checkout);
  const wheel = join(machine.home, "it.whl");
  writeFileSync(wheel, "");
  machine.runner("uvx");
  const after = async (source) => (await choice(machine, { INVOKER_MCP_SOURCE: source })).slice(3);
  assert.deepEqual(await after(checkout), ["--with-editable", checkout, "invoker-mcp"]);
  assert.deepEqual(await after(wheel), ["--from", wheel, "invoker-mcp"]);
});

test("nothing that will do: it says what was found, and what to install on each system", posix, async () => {
  const machine = new Machine();
  const old = machine.python("python3", { version: "3.9" });
  const incomplete = machine.python("python3.12", { complete: false });
  machine.add("python", "process.exit(1)");
  await assert.rejects(choice(machine), (error) => {
    assert.ok(error instanceof NothingFound);
    for (const part of ["macOS", "Windows", "Debian, Ubuntu", "Fedora", `${old} is 3.9`, `${incomplete} cannot make`])
      assert.ok(error.message.includes(part), part);
    return true;
  });
});
