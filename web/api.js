// Calls of the API on our own origin, with the session's cookie: bounded in time, repeated where that is safe,
// and with errors that can be shown.

/** Milliseconds that one try may take. */
const PATIENCE = 15_000;
/** Milliseconds before each further try of a GET. */
const PAUSES = [500, 1500];
/** What a gateway or a service says that is gone for a moment. */
const PASSING = new Set([502, 503, 504]);

/** Says `lost` when nothing answers, `answered` when something does, and `ended` when the session has. */
export const network = new EventTarget();

/** What went wrong, for a person: a message, perhaps a hint, and the id under which the log has it. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "unreachable", hint = "", requestId = "", retryAfter = 0 } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
    /** Seconds. */
    this.retryAfter = retryAfter;
  }
}

/**
 * Read something. Tried again when the network or a service is away for a moment.
 * @param {string} path below the API's root, such as `/keys`
 * @param {{signal?: AbortSignal}} [options] a signal that ends it with an AbortError
 */
export async function get(path, { signal } = {}) {
  for (const pause of [...PAUSES, null]) {
    try {
      return await once("GET", path, { signal });
    } catch (error) {
      const passing = error instanceof ApiError && (error.status === 0 || PASSING.has(error.status));
      if (!passing || pause === null) throw error;
      await sleep(Math.min(Math.max(pause, error.retryAfter * 1000), 5000), signal);
    }
  }
}

/**
 * Change something, once: what was sent may have been done even when no answer came.
 * @param {"POST" | "PATCH" | "DELETE"} method
 * @param {string} path
 * @param {object} [body] sent as JSON
 * @param {Record<string, string>} [headers]
 * @param {{patience?: number}} [options] milliseconds that it may take, for what is known to take long
 */
export const send = (method, path, body, headers = {}, { patience = PATIENCE } = {}) =>
  once(method, path, { body, headers, time: patience });

async function once(method, path, { body, headers = {}, signal, time = PATIENCE } = {}) {
  const requestId = newRequestId();
  const patience = AbortSignal.timeout(time);
  let response;
  let answer;
  try {
    response = await fetch(`/api${path}`, {
      method,
      cache: "no-store",
      credentials: "same-origin",
      headers: { "X-Request-ID": requestId, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
      body: body ? JSON.stringify(body) : undefined,
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    });
    answer = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered(method, patience.aborted, requestId);
  }
  network.dispatchEvent(new Event("answered"));
  if (response.status === 401) return leave();
  return read(response, answer, requestId);
}

function read(response, answer, requestId) {
  let value = {};
  try {
    value = JSON.parse(answer);
  } catch {
    if (response.ok) throw new ApiError("The answer cannot be read", { status: 502, requestId });
  }
  if (response.ok) return value;
  throw new ApiError(value.error ?? `The server answered with ${response.status}`, {
    status: response.status,
    code: value.code ?? "unknown",
    hint: value.hint ?? "",
    requestId: value.request_id ?? response.headers.get("X-Request-ID") ?? requestId,
    retryAfter: Number(response.headers.get("Retry-After")) || 0,
  });
}

function unanswered(method, late, requestId) {
  network.dispatchEvent(new Event("lost"));
  const message = late ? "The server did not answer in time" : "The server cannot be reached";
  const hint =
    method === "GET"
      ? "Check your connection. This page tries again by itself when it is back."
      : "It may have been done all the same: look before you try again.";
  return new ApiError(message, { hint, requestId });
}

/** Go to the door, with a word why: the session has ended, or was ended elsewhere. */
function leave() {
  network.dispatchEvent(new Event("ended"));
  location.assign("/login?ended=1");
  // the page is on its way out: nothing is to be drawn any more
  return new Promise(() => {});
}

function newRequestId() {
  return `web-${Array.from(crypto.getRandomValues(new Uint8Array(10)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
