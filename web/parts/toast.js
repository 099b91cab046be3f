// A word on what has just happened, for eyes and screen readers alike.
import { h } from "../dom.js";

/** Milliseconds that it stays. */
const STAY = 5000;

export function toast(text) {
  const place = document.querySelector("dialog[open] .toasts") ?? document.getElementById("toasts");
  const line = h("p", { class: "toast" }, text);
  place.replaceChildren(line);
  setTimeout(() => line.remove(), STAY);
}
