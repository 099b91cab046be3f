import assert from "node:assert/strict";
import { test } from "node:test";
import { words } from "../lib/words.js";

const LINES = [
  ["python3 -m invoker_mcp.server.main", ["python3", "-m", "invoker_mcp.server.main"]],
  ["  a\t b  ", ["a", "b"]],
  [`env PYTHONPATH='/a b'/c "d e"`, ["env", "PYTHONPATH=/a b/c", "d e"]],
  [`'it'"'"'s' '' x\\ y`, ["it's", "", "x y"]],
];

for (const [line, expected] of LINES) {
  test(`words of ${line}`, () => assert.deepEqual(words(line, "linux"), expected));
}

test("a backslash is a path's on Windows", () => {
  assert.deepEqual(words(String.raw`"C:\Program Files\py.exe" C:\a`, "win32"), [
    String.raw`C:\Program Files\py.exe`,
    String.raw`C:\a`,
  ]);
});
