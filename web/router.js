// Which view an address has; links inside are followed without loading the page again.

/**
 * @typedef {object} Page What a view gets: where to draw, what the address says, and when it is over.
 * @property {HTMLElement} root
 * @property {string[]} parts what the address has in the places that vary
 * @property {URLSearchParams} query
 * @property {AbortSignal} signal aborted when the page is left
 * @property {() => void} reload draws the page anew
 * @property {(path: string, options?: {replace?: boolean}) => void} go shows another page
 * @property {{apiUrl: string, sitesUrl: string, email: string, session: string}} about
 */

/**
 * Show the view of the address now, and of every later one.
 * @param {Array<[RegExp, {title: string, show: (page: Page) => any}]>} routes
 * @param {HTMLElement} root
 * @param {Page["about"]} about
 */
export function startRouter(routes, root, about) {
  let current = new AbortController();

  function go(path, { replace = false } = {}) {
    if (replace) history.replaceState(null, "", path);
    else if (path !== location.pathname + location.search) history.pushState(null, "", path);
    show();
    scrollTo(0, 0);
  }

  function show(first = false) {
    current.abort();
    current = new AbortController();
    const found = routes
      .map(([pattern, view]) => ({ view, match: pattern.exec(location.pathname) }))
      .find(({ match }) => match);
    const { view, match } = found ?? { view: routes[0][1], match: [] };
    document.title = `${view.title} – Invoker`;
    markLink();
    root.replaceChildren();
    const query = new URLSearchParams(location.search);
    view.show({ root, parts: match.slice(1), query, signal: current.signal, reload: () => show(), go, about });
    // a screen reader is told of the new page as it would be of a loaded one
    if (!first) root.querySelector("h1")?.focus({ preventScroll: true });
  }

  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest("a");
    if (!link || event.defaultPrevented || !isInside(link, event)) return;
    event.preventDefault();
    go(link.pathname + link.search);
  });
  addEventListener("popstate", () => {
    // a dialog belongs to the page it was opened on, unless it has to stay: a key that is shown once does
    for (const dialog of /** @type {NodeListOf<HTMLDialogElement>} */ (document.querySelectorAll("dialog[open]"))) {
      if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close();
    }
    show();
  });
  // what a page kept from before shows (the browser's back button) may be somebody else's by now
  addEventListener("pageshow", (event) => event.persisted && show());
  show(true);
}

function isInside(link, event) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  const ours = link.origin === location.origin && /^\/dashboard(\/|$)/.test(link.pathname);
  return plain && ours && !link.target && !link.hasAttribute("download") && !link.hash;
}

function markLink() {
  for (const link of document.querySelectorAll(".tabs a")) {
    const path = link.getAttribute("href");
    const here = path === "/dashboard" ? location.pathname === path : location.pathname.startsWith(path);
    if (here) link.setAttribute("aria-current", location.pathname === path ? "page" : "true");
    else link.removeAttribute("aria-current");
  }
}
