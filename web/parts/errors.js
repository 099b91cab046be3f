// Errors where they happened, in words, with the id under which the log has them.
import { ApiError } from "../api.js";
import { h } from "../dom.js";
import { copyText } from "./copy.js";

const FULL_STOP = /[.!?]$/;

/**
 * Show what went wrong.
 * @param {unknown} error
 * @param {...any} more what can be done, such as a button
 */
export function errorBox(error, ...more) {
  const known = error instanceof ApiError;
  if (!known) console.error(error);
  const message = known ? error.message : "This page has made a mistake";
  const hint = known ? hintOf(error) : "Load it again. If it happens again, tell us what you did.";
  return h(
    "div",
    { class: "alert", role: "alert" },
    h("p", null, h("strong", null, FULL_STOP.test(message) ? message : `${message}.`)),
    hint && h("p", null, hint),
    known && error.requestId && requestLine(error.requestId),
    ...more,
  );
}

function hintOf(error) {
  if (error.status !== 429) return error.hint;
  return `${error.hint || "Too many tries in a short time."} Wait ${wait(error.retryAfter)}, then try again.`;
}

function wait(seconds) {
  const minutes = Math.ceil(seconds / 60);
  if (minutes <= 1) return "a minute";
  return minutes <= 90 ? `${minutes} minutes` : `${Math.ceil(minutes / 60)} hours`;
}

function requestLine(id) {
  const button = h("button", { class: "link inline", type: "button", onclick: () => copyText(id, button) }, "Copy");
  return h("p", { class: "small muted request" }, "Request ", h("code", null, id), " ", button);
}
