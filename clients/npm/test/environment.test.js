// With Python alone: an environment is made once, by one of those that start at once, whole or not at all.
import assert from "node:assert/strict";
import { existsSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STALE } from "../lib/lock.js";
import { Machine, runs } from "./stand_ins.js";

const posix = { skip: process.platform === "win32" && "the stand-ins are scripts", timeout: 30_000 };

function machine() {
  const it = new Machine();
  it.python("python3");
  it.cache = join(it.environ.XDG_CACHE_HOME, "invoker-mcp");
  return it;
}

async function served(launch) {
  launch.process.stdin.end("question\n");
  assert.deepEqual(await launch.ended, { code: 0, signal: null }, launch.err);
  assert.equal(launch.out, "answer to question\n");
}

test("the first start installs, the next does not; stdout is the server's alone", posix, async () => {
  const it = machine();
  const first = it.launch(["--http"]);
  await served(first);
  assert.match(first.err, /first start: installing invoker-mcp==0\.1\.0[^]*noise of pip[^]*installed in/);
  assert.match(first.err, /server \d+ \["-m","invoker_mcp\.server\.main","--http"\]/);
  const second = it.launch();
  await served(second);
  assert.doesNotMatch(second.err, /install|noise/);
  assert.deepEqual(it.installed(), ["pip invoker-mcp==0.1.0"]);
});

test("of four first starts at once one installs, and all serve", posix, async () => {
  const it = machine();
  await Promise.all([1, 2, 3, 4].map(() => served(it.launch())));
  assert.equal(it.installed().length, 1);
  assert.equal(readdirSync(it.cache).length, 1, "neither lock nor half an environment is left");
});

test("the lock of a start that was killed holds nobody up", posix, async () => {
  const it = machine();
  await served(it.launch());
  const [made] = readdirSync(it.cache);
  rmSync(join(it.cache, made), { recursive: true });
  const lock = join(it.cache, `${made}.lock`);
  writeFileSync(lock, "");
  const then = new Date(Date.now() - STALE - 1000);
  utimesSync(lock, then, then);
  await served(it.launch());
  assert.ok(!existsSync(lock));
});

test("an environment whose Python is gone is made again", posix, async () => {
  const it = machine();
  await served(it.launch());
  rmSync(join(it.cache, readdirSync(it.cache)[0], "bin", "python"));
  await served(it.launch());
  assert.equal(it.installed().length, 2);
});

test("an installation that fails is 1, with the reason, and leaves nothing", posix, async () => {
  const it = machine();
  const launch = it.launch([], { PIP: "9" });
  assert.deepEqual(await launch.ended, { code: 1, signal: null });
  assert.match(launch.err, /noise of pip[^]*could not install the server/);
  assert.equal(launch.out, "");
  assert.deepEqual(readdirSync(it.cache), []);
});

test("a signal ends an installation, and leaves nothing", posix, async () => {
  const it = machine();
  const launch = it.launch([], { PIP: "slow" });
  const [, pip] = await launch.said(/noise of pip (\d+)/);
  launch.process.kill("SIGTERM");
  assert.deepEqual(await launch.ended, { code: null, signal: "SIGTERM" });
  assert.deepEqual(readdirSync(it.cache), []);
  assert.ok(!runs(Number(pip)));
});
