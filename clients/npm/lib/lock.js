// A file as a lock between processes: whoever made it touches it while working, so that one left by a kill is seen.
import { closeSync, openSync, rmSync, statSync, utimesSync } from "node:fs";

const LOOK = 200;
const TOUCH = 5_000;
export const STALE = 30_000;

/** Do the work unless it is `done`, or another process does it meanwhile. */
export async function locked(path, done, work) {
  while (!take(path)) {
    await new Promise((resolve) => setTimeout(resolve, LOOK));
    if (done()) return;
  }
  const touching = setInterval(() => touch(path), TOUCH);
  try {
    if (!done()) await work();
  } finally {
    clearInterval(touching);
    rmSync(path, { force: true });
  }
}

function take(path) {
  try {
    closeSync(openSync(path, "wx"));
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    const about = statSync(path, { throwIfNoEntry: false });
    if (about && Date.now() - about.mtimeMs > STALE) rmSync(path, { force: true });
    return false;
  }
}

function touch(path) {
  const now = new Date();
  try {
    utimesSync(path, now, now);
  } catch {
    // it was taken for stale after a long sleep of the machine; the work may end all the same
  }
}
