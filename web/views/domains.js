// A site's own domains: added, proved, looked at, removed.
import { get, send } from "../api.js";
import { card, h } from "../dom.js";
import { confirmTyped } from "../parts/dialog.js";
import { errorBox } from "../parts/errors.js";
import { textField } from "../parts/fields.js";
import { busy } from "../parts/loading.js";
import { toast } from "../parts/toast.js";
import { domainCard } from "./domain.js";
import { sitePage } from "./site_page.js";

const pathOf = (id) => `/deploy/${id}/domains`;

export const domains = sitePage("Domains", draw, { read: (_, id, signal) => get(pathOf(id), { signal }) });

function draw(_, site, listed) {
  const list = h("div", { class: "stack" });
  const place = (domain) => {
    const look = { look: (button, problem) => lookNow(domain, button, problem), remove: () => remove(domain) };
    return domainCard(domain, look);
  };
  const path = pathOf(site.id);
  const one = (domain) => `${path}/${encodeURIComponent(domain.domain)}`;
  const shown = (domain) => document.getElementById(`domain-${domain.domain}`);

  const lookNow = async (domain, button, problem) => {
    problem.replaceChildren();
    try {
      const found = await send("POST", `${one(domain)}/verify`);
      // the page may have been left, or the domain removed, while the look was on its way
      if (!shown(domain)) return;
      shown(domain).replaceWith(place(found));
      shown(found).querySelector(".look").focus();
      toast(found.verified_at ? `${found.domain} is proved` : "The proof was not found yet");
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };

  const remove = (domain) =>
    confirmTyped({
      title: `Remove ${domain.domain}?`,
      text: ["The site is no longer found under it, and its certificate goes. The site itself stays as it is."],
      word: domain.domain,
      label: "To confirm, type the domain:",
      action: "Remove the domain",
      async submit() {
        await send("DELETE", one(domain));
        shown(domain)?.remove();
        toast(`${domain.domain} is removed`);
      },
    });

  const added = (domain) => {
    if (!list.isConnected) return;
    if (shown(domain)) shown(domain).replaceWith(place(domain));
    else list.append(place(domain));
    shown(domain).querySelector("h2").focus();
  };
  list.append(...listed.domains.map(place));
  return [adding(site, path, added), list];
}

function adding(site, path, added) {
  const name = textField("Domain", {
    required: true,
    maxlength: "500",
    autocomplete: "off",
    autocapitalize: "none",
    spellcheck: "false",
    inputmode: "url",
    placeholder: "www.example.com",
  });
  const problem = h("div", { class: "problem" });
  const button = h("button", { class: "button", type: "submit", id: "add-domain" }, "Add the domain");
  const run = async () => {
    problem.replaceChildren();
    try {
      const domain = await send("POST", path, { domain: name.input.value.trim() });
      name.input.value = "";
      added(domain);
    } catch (error) {
      problem.replaceChildren(errorBox(error));
    }
  };
  const form = h("form", { class: "inline-form" }, name.element, button);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(button, run);
  });
  const text = `Your own name for this site, beside ${site.slug}. You prove that it is yours, then lead it here.`;
  return card("Add a domain", h("p", { class: "muted" }, text), form, problem);
}
