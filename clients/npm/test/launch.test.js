// The launcher as a process: stdio, arguments, ends and signals go through, and nothing else goes to stdout.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Machine, runs } from "./stand_ins.js";

const posix = { skip: process.platform === "win32" && "the stand-ins are scripts", timeout: 30_000 };

function machine() {
  const it = new Machine();
  it.runner("uvx");
  return it;
}

test("stdio and arguments go through; the end of stdin is the server's", posix, async () => {
  const launch = machine().launch(["--http", "a b"]);
  await launch.said(/server .*"invoker-mcp","--http","a b"\]/);
  launch.process.stdin.end("question\n");
  assert.deepEqual(await launch.ended, { code: 0, signal: null });
  assert.equal(launch.out, "answer to question\n");
});

test("the exit code is the server's", posix, async () => {
  const launch = machine().launch([], { SERVER_EXIT: "42" });
  assert.deepEqual(await launch.ended, { code: 42, signal: null });
});

test("a server that a signal ended looks so from outside", posix, async () => {
  const launch = machine().launch([], { SERVER_DIES: "SIGKILL" });
  assert.deepEqual(await launch.ended, { code: null, signal: "SIGKILL" });
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  test(`${signal} reaches the server once, and nobody is left`, posix, async () => {
    const launch = machine().launch();
    const [, pid] = await launch.said(/server (\d+)/);
    launch.process.kill(signal);
    assert.deepEqual(await launch.ended, { code: 3, signal: null });
    assert.equal(launch.err.match(/got .*/g).join(), `got ${signal}`);
    assert.ok(!runs(Number(pid)));
  });
}

test("a signal that npx's shell keeps for itself ends the server too", posix, async () => {
  const launch = machine().launchInShell();
  await launch.said(/server \d+/);
  launch.process.kill("SIGTERM");
  await launch.said(/got SIGTERM/);
  assert.equal((await launch.ended).signal, "SIGTERM");
});

test("a command that is not there is 127", posix, async () => {
  const launch = new Machine().launch([], { INVOKER_MCP_COMMAND: "/nowhere/it" });
  assert.deepEqual(await launch.ended, { code: 127, signal: null });
  assert.match(launch.err, /invoker-mcp: cannot start \/nowhere\/it/);
  assert.equal(launch.out, "");
});

test("a machine without anything is 127", posix, async () => {
  const launch = new Machine().launch();
  assert.deepEqual(await launch.ended, { code: 127, signal: null });
  assert.match(launch.err, /needs uv, pipx, or Python 3\.11/);
  assert.equal(launch.out, "");
});
