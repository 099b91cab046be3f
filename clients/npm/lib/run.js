// One child process with our stdio and our signals, and the end that it came to.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { isatty } from "node:tty";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const LOOK = 500;

/** The program is not there, or cannot be run. */
export class NotStarted extends Error {}

/** Run a command to its end; gives `{ code, signal }`, one of which is null. */
export function run([program, ...args], { stdio = "inherit" } = {}) {
  return new Promise((resolve, reject) => {
    let child;
    const pass = (signal) => toldByTerminal(signal) || child?.kill(signal);
    const leave = () => child?.kill();
    const watch = whenOrphaned(() => child?.kill("SIGTERM"));
    const settle = (then) => (value) => {
      clearInterval(watch);
      for (const signal of SIGNALS) process.off(signal, pass);
      process.off("exit", leave);
      then(value);
    };
    // before the child is there: a signal in between would end us alone
    for (const signal of SIGNALS) process.on(signal, pass);
    process.on("exit", leave);
    child = spawn(program, args, { stdio, windowsHide: true });
    child.on("error", settle((error) => reject(new NotStarted(`cannot start ${program}: ${error.message}`))));
    child.on("exit", (code, signal) => settle(resolve)({ code, signal }));
  });
}

/** Ctrl-C goes to every process of a terminal, so the child has it already; twice would cut its clean end short. */
const toldByTerminal = (signal) => signal === "SIGINT" && (process.platform === "win32" || isatty(0));

/** npx runs us through a shell, which takes a signal for itself alone: all that we see of it is another parent. */
function whenOrphaned(act) {
  if (process.env.npm_command !== "exec" || process.platform === "win32") return undefined;
  const parent = process.ppid;
  return setInterval(() => process.ppid !== parent && act(), LOOK);
}

/** End as the child did, by the same signal or with the same code. */
export function end({ code, signal }) {
  if (signal === null) {
    process.exitCode = code;
    return;
  }
  process.exitCode = 128 + constants.signals[signal];
  if (process.platform !== "win32") process.kill(process.pid, signal);
}
