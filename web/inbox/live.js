// What comes in while the page is open: a stream of events that is taken up again whenever it breaks.

/** Milliseconds before the stream is opened anew, doubled with each failure. */
const PAUSE = 2000;
const LONGEST = 30_000;
/** Milliseconds without a stream that are not worth a word: each ends by itself now and then, and is taken up again. */
const BLINK = 5000;

/**
 * Hear of submissions until `signal` ends it.
 * @param {string} siteId
 * @param {{signal: AbortSignal, arrived: (row: any) => void, missed: () => Promise<any>, state: (live: boolean) => void}} given
 *   `missed` reads what came while nothing was heard; when it throws, the stream is tried again later
 */
export function listen(siteId, { signal, arrived, missed, state }) {
  let stream = null;
  let timer = 0;
  let blink = 0;
  let failures = 0;
  // what came between the reading of the list and the stream's beginning counts too
  let broken = true;

  const open = () => {
    stream = new EventSource(`/api/submissions/${siteId}/events`);
    stream.addEventListener("submission", (event) => arrived(JSON.parse(event.data)));
    stream.addEventListener("open", () => {
      failures = 0;
      clearTimeout(blink);
      blink = 0;
      state(true);
      if (broken) missed().catch(() => null);
      broken = false;
    });
    stream.addEventListener("error", () => {
      broken = true;
      blink ||= setTimeout(state, BLINK, false);
      // a browser that gives up was answered with an error; otherwise it tries again by itself
      if (stream.readyState === EventSource.CLOSED) later();
    });
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(again, Math.min(PAUSE * 2 ** failures++, LONGEST));
  };
  // a session that has ended is noticed by an ordinary call, which leads to the door
  const again = () =>
    missed().then(
      () => signal.aborted || open(),
      () => signal.aborted || later(),
    );

  addEventListener("invoker:back", () => stream.readyState === EventSource.CLOSED && ((failures = 0), again()), {
    signal,
  });
  // a page that the browser keeps for its back button holds no connection
  addEventListener("pagehide", () => stream.close(), { signal });
  signal.addEventListener("abort", () => (clearTimeout(timer), clearTimeout(blink), stream.close()));
  open();
}
