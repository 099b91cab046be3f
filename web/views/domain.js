// One domain of a site: what it waits for, in words, and what has to be set where.
import { card, h } from "../dom.js";
import { copyRows } from "../parts/copy.js";
import { busy } from "../parts/loading.js";
import { day, when } from "../words.js";

/**
 * Draw it.
 * @param {any} domain as the API shows it
 * @param {{look: (button: Element, problem: Element) => Promise<any>, remove: () => void}} todo
 */
export function domainCard(domain, todo) {
  const proved = Boolean(domain.verified_at);
  const problem = h("div", { class: "problem" });
  const look = h(
    "button",
    {
      class: "button quiet look",
      type: "button",
      "aria-label": `Look now at ${domain.domain}`,
      onclick: () => busy(look, () => todo.look(look, problem)),
    },
    "Look now",
  );
  const remove = h(
    "button",
    {
      class: "button danger",
      type: "button",
      id: `remove-${domain.domain}`,
      "aria-label": `Remove ${domain.domain}`,
      onclick: todo.remove,
    },
    "Remove",
  );
  const [word, kind, text] = state(domain);
  const element = card(
    domain.domain,
    h("p", null, text, domain.checked_at && h("span", { class: "muted" }, " Last look ", when(domain.checked_at), ".")),
    domain.problem && h("p", { class: kind ? `found ${kind}` : "found" }, h("strong", null, "What the last look found: "), domain.problem),
    certificate(domain),
    !proved && proof(domain),
    (!proved || !domain.leads_here) && lead(domain),
    problem,
    h("p", { class: "actions" }, look, remove),
  );
  element.id = `domain-${domain.domain}`;
  const heading = element.querySelector("h2");
  heading.setAttribute("tabindex", "-1");
  const row = h("div", { class: "row-title" });
  heading.replaceWith(row);
  row.append(heading, h("span", { class: `badge ${kind}` }, word));
  return element;
}

/** A word, how good it is, and what it means. */
function state({ status, verified_at: proved, next_check_at: next, leads_here: here, url }) {
  if (status === "pending") {
    const by = next ? ["We look for the proof by ourselves, again ", when(next), "."] : [];
    return ["Waits for its proof", "", by];
  }
  if (status === "failing" && !proved) {
    return ["Not proved", "bad", "It is not served: the proof was not found. Set it as below, then look again."];
  }
  if (status === "failing") {
    const text =
      "It leads elsewhere, and its proof is gone. If that stays so for seven days, it is no longer this site’s.";
    return ["Leads elsewhere", "bad", text];
  }
  const link = h("a", { href: url, target: "_blank", rel: "noopener" }, url);
  if (!here) return ["Proved", "", "It is yours; visitors do not arrive here yet."];
  return [status === "active" ? "Active" : "Proved", "good", ["The site is at ", link, "."]];
}

function certificate({ verified_at: proved, leads_here: here, certificate: of }) {
  if (!proved) return null;
  const lines = {
    valid: `Its certificate is valid until ${of.expires_at ? day(of.expires_at) : "further notice"}, and renewed in time.`,
    pending: here ? "Its certificate is being made; until then it is served without https." : null,
    failing: `No certificate could be made: ${of.error} We try again by ourselves.`,
    off: "This installation makes no certificates: https for it has to come from elsewhere.",
  };
  const text = lines[of.state];
  if (!text) return null;
  return h("p", { class: of.state === "failing" ? "found bad" : "muted" }, text);
}

function proof({ dns, http }) {
  const file = h(
    "details",
    null,
    h("summary", null, "Or by a file, where the domain has a web server now"),
    h("p", { class: "muted" }, "Put a file with this content alone, and nothing else, at this address."),
    copyRows([
      ["Address", http.url],
      ["Content", http.body],
    ]),
  );
  return h(
    "div",
    { class: "way" },
    h("h3", null, "Prove that it is yours"),
    h("p", { class: "muted" }, "Add this record at the company that has your DNS."),
    copyRows([
      ["Type", dns.type],
      ["Name", dns.name],
      ["Value", dns.value],
    ]),
    file,
  );
}

function lead({ target }) {
  return h(
    "div",
    { class: "way" },
    h("h3", null, "Lead visitors here"),
    h(
      "p",
      { class: "muted" },
      "With this record, in place of others of the name. For a domain without “www” it may be called ALIAS, ANAME or flattened.",
    ),
    copyRows([
      ["Type", target.type],
      ["Name", target.name],
      ["Value", target.value],
    ]),
  );
}
