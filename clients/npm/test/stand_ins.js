// Programs that stand in for uvx, pipx and Python: small Node scripts in a folder that is all of PATH.
import { spawn } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LAUNCHER = `
  import { main } from ${JSON.stringify(new URL("../lib/main.js", import.meta.url).href)};
  await main(process.argv.slice(1), { platform: "linux" });
`;

const LAUNCH = ["--input-type=module", "-e", LAUNCHER, "--"];

/** The server as the tests see it: answers each line, says which signal came, ends as it is told. */
const SERVER = `
  if (process.env.SERVER_EXIT) process.exit(Number(process.env.SERVER_EXIT));
  if (process.env.SERVER_DIES) process.kill(process.pid, process.env.SERVER_DIES);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => {
    process.stderr.write("got " + signal + "\\n");
    process.exit(3);
  });
  process.stderr.write("server " + process.pid + " " + JSON.stringify(args) + "\\n");
  process.stdin.on("data", (data) => process.stdout.write("answer to " + data));
  process.stdin.on("end", () => process.env.SERVER_STAYS ? setInterval(() => {}, 1000) : process.exit(0));
`;

export class Machine {
  constructor() {
    this.home = mkdtempSync(join(tmpdir(), "invoker mcp "));
    this.environ = { PATH: this.home, HOME: this.home, XDG_CACHE_HOME: join(this.home, "cache") };
    this.log = join(this.home, "log");
    writeFileSync(this.log, "");
    process.once("exit", () => rmSync(this.home, { recursive: true, force: true }));
  }

  /** A program that runs this with its arguments as \`args\`. */
  add(name, body) {
    const path = join(this.home, name);
    const imports = 'const fs = require("node:fs"), path = require("node:path");';
    // no file extension, so it is CommonJS
    writeFileSync(path, `#!${process.execPath}\n${imports}\nconst args = process.argv.slice(2);\n${body}`);
    chmodSync(path, 0o755);
    return path;
  }

  /** A runner such as uvx, which has a version and else runs the server. */
  runner(name) {
    return this.add(name, `if (args[0] === "--version") process.exit(0);\n${SERVER}`);
  }

  /** A Python that makes environments; what pip does is logged, and PIP says how it ends. */
  python(name, { version = "3.12", complete = true } = {}) {
    return this.add(
      name,
      `
      const log = (text) => fs.appendFileSync(${JSON.stringify(this.log)}, text + "\\n");
      if (args[0] === "-c") {
        console.log(${JSON.stringify(version)} + "\\n" + __filename + "\\n${complete ? "complete" : "incomplete"}");
      } else if (args[1] === "venv") {
        console.log("noise of venv");
        fs.mkdirSync(path.join(args[2], "bin"), { recursive: true });
        fs.copyFileSync(__filename, path.join(args[2], "bin", "python"));
      } else if (args[1] === "pip") {
        console.log("noise of pip " + process.pid);
        log("pip " + args.at(-1));
        const { PIP = "0" } = process.env;
        if (PIP === "slow") setInterval(() => {}, 1000);
        else setTimeout(() => process.exit(Number(PIP)), 300);
      } else {${SERVER}}`,
    );
  }

  installed() {
    return readFileSync(this.log, "utf8").split("\n").filter(Boolean);
  }

  launch(args = [], environ = {}) {
    return new Launch([process.execPath, ...LAUNCH, ...args], { ...this.environ, ...environ });
  }

  /** As npx does it: a shell in between, which ends at a signal and passes none on. */
  launchInShell() {
    const command = ["/bin/sh", "-c", '"$0" "$@"; exit $?', process.execPath, ...LAUNCH];
    // without the shell Node closes the server's stdin, which would be its end already
    return new Launch(command, { ...this.environ, npm_command: "exec", SERVER_STAYS: "1" });
  }
}

export class Launch {
  constructor([program, ...args], env) {
    this.process = spawn(program, args, { env });
    this.out = this.err = "";
    this.process.stdout.on("data", (data) => (this.out += data));
    this.process.stderr.on("data", (data) => (this.err += data));
    this.ended = new Promise((resolve) => this.process.on("close", (code, signal) => resolve({ code, signal })));
  }

  /** Wait until stderr has it, and give the match. */
  async said(pattern) {
    for (let left = 400; left; left -= 1) {
      const match = this.err.match(pattern);
      if (match) return match;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${pattern} was not said in: ${this.err}`);
  }
}

export const runs = (pid) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
