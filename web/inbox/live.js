// What comes in while the page is open: a stream of events that is taken up again whenever it breaks.

/** Milliseconds before the stream is opened anew, doubled with each failure. */
const PAUSE = 2000;
const LONGEST = 30_000;
/** Milliseconds without a stream that are not worth a word: each ends by itself now and then, and is taken up again. */
const BLINK = 5000;
/** Milliseconds that a tab keeps its stream when nobody looks at it: browsers have few connections for all tabs. */
const HIDDEN = 60_000;

/**
 * Hear of submissions until `signal` ends it. Returns what begins it anew, for another status.
 * @param {string} siteId
 * @param {{signal: AbortSignal, status: () => string, arrived: (row: any) => void, missed: () => Promise<any>,
 *   state: (live: boolean) => void}} given `missed` reads what came while nothing was heard
 */
export function listen(siteId, { signal, status, arrived, missed, state }) {
  let stream = null;
  let timer = 0;
  let blink = 0;
  let failures = 0;

  const close = () => {
    clearTimeout(timer);
    stream?.close();
    stream = null;
  };
  const lost = () => (blink ||= setTimeout(state, BLINK, false));
  const open = () => {
    close();
    stream = new EventSource(`/api/submissions/${siteId}/events?status=${status()}`);
    stream.addEventListener("submission", (event) => arrived(JSON.parse(event.data)));
    stream.addEventListener("open", () => {
      failures = 0;
      clearTimeout(blink);
      blink = 0;
      state(true);
      // what came before the stream began, no stream has brought
      missed().catch(() => null);
    });
    stream.addEventListener("error", ({ currentTarget }) => {
      lost();
      // a browser that gives up was answered with an error; otherwise it tries again by itself
      if (currentTarget === stream && stream.readyState === EventSource.CLOSED) later(open, PAUSE * 2 ** failures++);
    });
  };
  /** Do it after a call that the API answers: a session that has ended is noticed by that, and leads to the door. */
  const later = (next, pause) => {
    clearTimeout(timer);
    const then = () => missed().then(next, () => (lost(), later(next, PAUSE * 2 ** failures++)));
    timer = setTimeout(() => then().catch(() => null), Math.min(pause, LONGEST));
  };
  const ask = () => later(ask, HIDDEN);
  const look = () => {
    clearTimeout(timer);
    if (document.hidden) timer = setTimeout(() => (close(), ask()), HIDDEN);
    else if (!stream || stream.readyState === EventSource.CLOSED) open();
  };
  document.addEventListener("visibilitychange", look, { signal });
  addEventListener("invoker:back", look, { signal });
  // a page that the browser keeps for its back button holds no connection
  addEventListener("pagehide", close, { signal });
  signal.addEventListener("abort", () => (close(), clearTimeout(blink)));
  open();
  return open;
}
