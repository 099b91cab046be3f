// Which submissions are looked at: kept in the page's address, and told to the API.

/**
 * @typedef {object} Filter
 * @property {string} status accepted, spam or test
 * @property {string} q
 * @property {string | null} form null: all; empty: the one without a name
 * @property {string} from a day such as 2026-11-28, of the reader's calendar; empty: the first
 * @property {string} to the last day
 */

const STATUS = new Set(["accepted", "spam", "test"]);
const DAY = /^\d{4}-\d\d-\d\d$/;

/** @returns {Filter} */
export function filterOf(query) {
  const status = query.get("status");
  const day = (name) => (DAY.test(query.get(name) ?? "") ? query.get(name) : "");
  return {
    status: STATUS.has(status) ? status : "accepted",
    q: query.get("q") ?? "",
    form: query.get("form"),
    from: day("from"),
    to: day("to"),
  };
}

/** Whether it leaves out some of its status. */
export const isNarrow = ({ q, form, from, to }) => Boolean(q.trim() || form !== null || from || to);

/** Whether a row that has just come in belongs to what is shown; what is searched for only the server can tell. */
export const admits = (filter, row) =>
  row.status === filter.status &&
  !filter.q.trim() &&
  (filter.form === null || filter.form === (row.form ?? "")) &&
  !filter.to;

/** The address's part after the path, with its question mark; empty when there is nothing to say. */
export function pageQuery(filter) {
  const query = new URLSearchParams();
  if (filter.status !== "accepted") query.set("status", filter.status);
  if (filter.q.trim()) query.set("q", filter.q.trim());
  if (filter.form !== null) query.set("form", filter.form);
  if (filter.from) query.set("from", filter.from);
  if (filter.to) query.set("to", filter.to);
  return query.size ? `?${query}` : "";
}

/** The same for the API, with what else it is asked. */
export function apiQuery(filter, more = {}) {
  const query = new URLSearchParams(more);
  query.set("status", filter.status);
  if (filter.q.trim()) query.set("q", filter.q.trim());
  if (filter.form !== null) query.set("form", filter.form);
  const since = midnight(filter.from, 0);
  const until = midnight(filter.to, 1);
  if (since) query.set("since", since);
  if (until) query.set("until", until);
  return `?${query}`;
}

/** Some days after the beginning of this one, by the reader's clock; null for none and for one that there is not. */
function midnight(day, later) {
  if (!day) return null;
  const [year, month, date] = day.split("-").map(Number);
  const moment = new Date(year, month - 1, date + later);
  return Number.isNaN(moment.getTime()) ? null : moment.toISOString();
}
