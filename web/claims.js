// A claim link's token on its way to POST /claim: in this tab alone, in no address and no history, until it is used.

const PLACE = "invoker:claim";
const TOKEN = /^#(tok_[0-9A-Za-z]{43})$/;

/**
 * Take the token out of the address, or find the one that was taken before a login.
 * @returns {string | null} null when the link is not complete
 */
export function take(slug) {
  const given = TOKEN.exec(location.hash);
  if (given) keep({ slug, token: given[1], waits: false });
  if (location.hash) history.replaceState(history.state, "", location.pathname + location.search);
  const kept = read();
  return kept?.slug === slug ? kept.token : null;
}

/** A login lies between: the first page after it is the claim's. */
export function waitForLogin(waits = true) {
  const kept = read();
  if (kept) keep({ ...kept, waits });
}

/** Which site's claim waits for the login that has just been done; it is told once. */
export function waiting() {
  const kept = read();
  if (!kept?.waits) return null;
  waitForLogin(false);
  return kept.slug;
}

/** The token has been used, or is not wanted. */
export const forget = () => sessionStorage.removeItem(PLACE);

const keep = (claim) => sessionStorage.setItem(PLACE, JSON.stringify(claim));
const read = () => JSON.parse(sessionStorage.getItem(PLACE) ?? "null");
