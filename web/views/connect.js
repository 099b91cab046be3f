// Connecting a program: an assistant by its configuration, a terminal by a key and a call. Also the first page
// of an account that has nothing yet.
import { card, h, pageHead } from "../dom.js";
import { codeBlock } from "../parts/copy.js";
import { newKey } from "./new_key.js";

export const connect = {
  title: "Connect",
  show(page) {
    const head = pageHead("Connect", { lead: "Let your assistant or your scripts put pages live for you." });
    page.root.append(head, ...ways(page));
  },
};

/** The head of what an account without keys and sites is shown in place of empty lists. */
export const firstHead = () =>
  pageHead("Connect your assistant", {
    lead: "Welcome. Nothing is here yet: your assistant, or a call of yours, makes the first site. Then this page lists your keys.",
  });

export function firstSteps(page) {
  const ended = h(
    "p",
    { class: "small muted" },
    "Looking for keys that have ended? ",
    h("a", { href: "/dashboard?state=all" }, "Show all keys"),
  );
  return [...ways(page), ended];
}

const ways = (page) => [assistant(page.about.apiUrl), terminal(page)];

function assistant(apiUrl) {
  const configuration = {
    mcpServers: { invoker: { command: "npx", args: ["-y", "invoker-mcp"], env: { INVOKER_API_URL: apiUrl } } },
  };
  return card(
    "Your assistant",
    h(
      "p",
      { class: "muted" },
      "For Claude, Cursor and every other program that speaks MCP. Paste this into its configuration of MCP servers and start it again. It takes Node.js, and uv or Python 3.11.",
    ),
    codeBlock(
      JSON.stringify(configuration, null, 2).replace(/\[\s+("-y"),\s+("invoker-mcp")\s+\]/, "[$1, $2]"),
      "MCP configuration",
    ),
    h(
      "p",
      { class: "muted" },
      "Then ask: ",
      h("em", null, "“Make a waitlist page with an email form, and put it live.”"),
      " When it logs in, your browser opens here for your approval; the key it gets appears in your list.",
    ),
  );
}

function terminal(page) {
  const create = h(
    "button",
    { class: "button", type: "button", id: "first-key", onclick: () => newKey(page) },
    "Create a key",
  );
  const call = [
    `curl -X POST ${page.about.apiUrl}/deploy \\`,
    '  -H "Authorization: Bearer $INVOKER_API_KEY" \\',
    `  -d '{"html": "<form action={{SUBMIT_URL}} method=post><input name=email><button>Join</button></form>"}'`,
  ].join("\n");
  return card(
    "A terminal or a script",
    h(
      "ol",
      { class: "steps" },
      h("li", null, h("p", null, "Create a key. It is shown once."), h("p", { class: "actions" }, create)),
      h(
        "li",
        null,
        h("p", null, "Put it into the environment, where the command line and the MCP server look for it too."),
        codeBlock("export INVOKER_API_KEY=inv_…", "Environment"),
      ),
      h(
        "li",
        null,
        h("p", null, "Put a page live. The answer has its address, and its form is already stored for you."),
        codeBlock(call, "First deploy"),
      ),
    ),
    h("p", { class: "small muted" }, "All calls: ", h("a", { href: "/docs/api" }, "the API"), "."),
  );
}
