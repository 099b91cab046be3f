// The inbox's three lists, with how much there is in each.
import { h } from "../dom.js";
import { pageQuery } from "./filter.js";

/** Unread ones are counted so far. */
const MOST = 1000;

const TABS = [
  ["accepted", "Submissions"],
  ["spam", "Spam"],
  ["test", "Tests"],
];

/**
 * Make the tabs.
 * @param {any} filter
 * @param {{accepted: number, spam: number, unread: number}} first
 * @param {(status: string) => void} chosen
 */
export function statusTabs(filter, first, chosen) {
  let totals = { ...first };
  const links = new Map();
  for (const [status, word] of TABS) {
    const number = h("span", { class: "tab-count" });
    const onclick = (event) => {
      const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
      if (!plain) return;
      event.preventDefault();
      chosen(status);
    };
    links.set(status, { number, link: h("a", { href: "", onclick }, word, number) });
  }
  const count = (fresh) => {
    totals = { ...fresh };
    const { accepted, spam, unread } = totals;
    const number = (value) => (value ? value.toLocaleString("en") : "");
    const news =
      unread > 0 ? [h("span", { class: "tab-unread" }, `, ${number(unread)}${unread >= MOST ? "+" : ""} unread`)] : [];
    links.get("accepted").number.replaceChildren(number(accepted), ...news);
    links.get("spam").number.textContent = number(spam);
  };
  const refresh = () => {
    for (const [status, { link }] of links) {
      link.href = location.pathname + pageQuery({ ...filter, status });
      if (status === filter.status) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  count(first);
  refresh();
  return {
    element: h(
      "nav",
      { class: "filter counts", "aria-label": "Which submissions" },
      [...links.values()].map(({ link }) => link),
    ),
    refresh,
    count,
    /** Count one that has just come. */
    counted({ status }) {
      if (status === "accepted") count({ ...totals, accepted: totals.accepted + 1, unread: totals.unread + 1 });
      if (status === "spam") count({ ...totals, spam: totals.spam + 1 });
    },
  };
}
