// A site without an owner becomes that of whoever has its claim link.
import { ApiError, get, network, send } from "../api.js";
import { forget, take, waitForLogin } from "../claims.js";
import { card, facts, h, pageHead } from "../dom.js";
import { errorBox } from "../parts/errors.js";
import { busy } from "../parts/loading.js";
import { outside } from "../parts/state.js";
import { toast } from "../parts/toast.js";

export const claim = { title: "Claim a site", show };

function show(page) {
  const [slug] = page.parts;
  const token = take(slug);
  if (!token) return page.root.append(...incomplete());
  waitForLogin(false);
  // the session may have ended: then the login leads back here
  network.addEventListener("ended", () => waitForLogin(), { signal: page.signal });
  const head = pageHead("Make this site yours", {
    lead: "It was put live without an account, and goes 24 hours after that. As yours it stays.",
  });
  page.root.append(head, offer(page, slug, token));
}

function incomplete() {
  const text =
    "It has to end in “#tok_” and 43 characters, which prove that the site was made by whoever opens it. Copy the whole link, from where you were given it, and open it again.";
  return [
    pageHead("This claim link is not complete", { lead: text }),
    h("p", { class: "actions" }, h("a", { class: "button quiet", href: "/dashboard/sites" }, "To your sites")),
  ];
}

function offer(page, slug, token) {
  const url = page.about.sitesUrl.replace("{slug}", slug);
  const problem = h("div", { class: "problem" });
  const mine = h("button", { class: "button", type: "button", onclick: () => busy(mine, run) }, "Make it mine");
  const later = () => (forget(), page.go("/dashboard/sites"));
  const buttons = h(
    "p",
    { class: "actions" },
    mine,
    h("button", { class: "button quiet", type: "button", onclick: later }, "I do not want it"),
  );
  const run = async () => {
    problem.replaceChildren();
    try {
      arrive(page, await send("POST", "/claim", { slug, token }), `“${slug}” is yours`);
    } catch (error) {
      const said = await inWords(page, error, slug);
      if (!said) return;
      problem.replaceChildren(said.box);
      if (said.over) buttons.replaceChildren(h("a", { class: "button quiet", href: "/dashboard/sites" }, "To your sites"));
    }
  };
  return card(
    slug,
    facts([
      ["Site", h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, outside(url))],
      ["New owner", page.about.email],
      ["Comes with it", "What visitors have sent so far. The claim link ends."],
    ]),
    problem,
    buttons,
  );
}

function arrive(page, site, text) {
  forget();
  page.go(`/dashboard/sites/${site.id}`, { replace: true });
  toast(text);
}

/** What went wrong for whoever stands here, and whether it is over; null when the site turns out to be theirs. */
async function inWords(page, error, slug) {
  const told = (message, hint, ...more) => errorBox(new ApiError(message, { ...error, hint }), ...more);
  if (error.code === "already_claimed") {
    const own = await get("/deploy?limit=200").catch(() => ({ deployments: [] }));
    const found = own.deployments.find((site) => site.slug === slug);
    if (found) return arrive(page, found, `“${slug}” is yours already`) ?? null;
    forget();
    const hint = "Somebody with this link was here before. If that was you, log in with the address that you used then.";
    return { box: told("This site has an owner already", hint), over: true };
  }
  if (error.code === "deployment_not_found") {
    forget();
    const hint = "A site without an owner goes after 24 hours. Put it live again, and you get a new link.";
    return { box: told("The site is gone, or the link is not the right one", hint), over: true };
  }
  if (error.code === "limit_reached") {
    const hint = "Delete one that you do not need, then come back to this page in this tab: the link is kept in it.";
    const link = h("p", null, h("a", { href: "/dashboard/sites" }, "See your sites"));
    return { box: told("Your plan has no room for another site", hint, link), over: false };
  }
  return { box: errorBox(error), over: false };
}
