// The line under the header that says when the browser is offline or the server away, and goes by itself.
import { network } from "../api.js";
import { h } from "../dom.js";

/** Milliseconds between two looks whether the server is back. */
const LOOK = 2500;

/** Watch the connection from now on; `invoker:back` is said on the window when it is there again. */
export function watchConnection(place) {
  let timer = 0;
  const lost = () => {
    const offline = !navigator.onLine;
    const text = offline
      ? "You are offline. What you see may be old; this page goes on when the connection is back."
      : "The server cannot be reached. Trying again by itself…";
    if (place.textContent !== text) place.replaceChildren(h("p", null, text));
    timer ||= setInterval(look, LOOK);
  };
  const back = () => {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    place.replaceChildren();
    dispatchEvent(new Event("invoker:back"));
  };
  const look = async () => {
    try {
      await fetch("/static/icon.svg", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(LOOK) });
      back();
    } catch {
      lost();
    }
  };
  network.addEventListener("lost", lost);
  network.addEventListener("answered", back);
  addEventListener("offline", lost);
  addEventListener("online", () => timer && look());
  if (!navigator.onLine) lost();
}
