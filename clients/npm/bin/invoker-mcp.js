#!/usr/bin/env node
// `npx -y invoker-mcp`: Invoker's MCP server, run by whatever this machine has for Python programs.
import { main } from "../lib/main.js";

await main(process.argv.slice(2));
