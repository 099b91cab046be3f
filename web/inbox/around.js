// What stands before and after a submission in the list that it was opened from.
import { get } from "../api.js";
import { apiQuery, pageQuery } from "./filter.js";

/** Rows that are read when nothing is remembered, and with each further page. */
const ROWS = 100;

/** The list that was seen last. */
let last = null;

/** Remember a list: what its pages have brought so far, its columns, and where it goes on. */
export function remember(siteId, filter, { ids, columns, cursor }) {
  last = { of: keyOf(siteId, filter), ids: [...ids], columns, cursor };
}

/** The submission that was looked at last: the list gives it the focus back. */
export let opened = null;
export const noteOpened = (id) => (opened = id);

/** What has gone from the list goes from its memory. */
export function forgetOne(id) {
  if (last) last.ids = last.ids.filter((each) => each !== id);
}

/**
 * Return the ids of the newer and the older one, null where there is none, and the list's columns.
 * @returns {Promise<{newer: string | null, older: string | null, columns: any[]}>}
 */
export async function around(siteId, filter, id, signal) {
  if (last?.of !== keyOf(siteId, filter) || !last.ids.includes(id)) await read(siteId, filter, null, signal);
  if (last.ids.at(-1) === id && last.cursor) await read(siteId, filter, last.cursor, signal);
  const at = last.ids.indexOf(id);
  return { newer: last.ids[at - 1] ?? null, older: at < 0 ? null : (last.ids[at + 1] ?? null), columns: last.columns };
}

async function read(siteId, filter, cursor, signal) {
  const path = `/submissions/${siteId}${apiQuery(filter, cursor ? { limit: ROWS, cursor } : { limit: ROWS })}`;
  const page = await get(path, { signal });
  const before = cursor ? last.ids : [];
  remember(siteId, filter, {
    ids: [...before, ...page.submissions.map((row) => row.id)],
    columns: page.columns ?? [],
    cursor: page.next_cursor,
  });
}

const keyOf = (siteId, filter) => siteId + pageQuery(filter);
