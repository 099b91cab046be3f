// What the command does: choose a way to run the server, run it, and end as it ended. Nothing here writes to
// stdout, which is the protocol's alone.
import { choose, NothingFound } from "./choice.js";
import { end, NotStarted, run } from "./run.js";
import { Interrupted, NotInstalled } from "./environment.js";

export async function main(given, { environ = process.env, platform = process.platform } = {}) {
  try {
    const command = await choose(environ, platform);
    end(await run([...command, ...given]));
  } catch (error) {
    if (error instanceof Interrupted) return end(error.outcome);
    if (error instanceof NothingFound || error instanceof NotStarted) return fail(error, 127);
    if (error instanceof NotInstalled) return fail(error, 1);
    throw error;
  }
}

function fail(error, code) {
  process.stderr.write(`invoker-mcp: ${error.message}\n`);
  process.exitCode = code;
}
