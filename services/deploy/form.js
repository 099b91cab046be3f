// What a page's forms get from us, if they want it: a token, no double sending, and proof of work when that is asked.
// Nothing is shown, nothing is told to anybody else, and every form works without.
(function (w, d, path, token, bits) {
  "use strict";
  var mark = "invoker:" + path, challenge = token.split(".").pop();
  if (w[mark]) return;
  w[mark] = true;
  var proof = "", hold = bits > 0, waiting = [], sent = new WeakSet();

  function ours(form) {
    try {
      // a field may be called "action"
      var action = Element.prototype.getAttribute.call(form, "action") || "";
      return new URL(action, d.baseURI).pathname.slice(-path.length) === path;
    } catch (error) {
      return false;
    }
  }

  // whatever reads the form: the browser, form.submit(), or a script's FormData
  d.addEventListener("formdata", function (event) {
    if (!ours(event.target)) return;
    event.formData.set("_token", token);
    if (proof) event.formData.set("_proof", proof);
  });

  // on window: after the page's own listeners, which may send it themselves
  w.addEventListener("submit", function (event) {
    var form = event.target, button = event.submitter;
    if (event.defaultPrevented || !ours(form)) return;
    if (sent.has(form)) return event.preventDefault();
    sent.add(form);
    if (hold && form.requestSubmit) {
      event.preventDefault();
      waiting.push(function () {
        sent.delete(form);
        HTMLFormElement.prototype.requestSubmit.call(form, button);
      });
      return setTimeout(go, 10000);
    }
    // a button that is disabled at once would not be sent along
    setTimeout(function () {
      var off = [].filter.call(form.elements, function (each) {
        return each.type === "submit" && !each.disabled;
      });
      off.forEach(function (each) { each.disabled = true; });
      var release = function () {
        sent.delete(form);
        off.forEach(function (each) { each.disabled = false; });
        w.removeEventListener("pageshow", release);
      };
      w.addEventListener("pageshow", release);
      setTimeout(release, 8000);
    }, 0);
  });

  // the proof is there, or is not to be waited for any longer
  function go() {
    hold = false;
    waiting.splice(0).forEach(function (each) { each(); });
  }

  // SHA-256 of a text of less than 56 characters; only its first word is asked for
  var K = [], H = [], prime = 2;
  for (; K.length < 64; prime++) {
    for (var factor = 2; factor * factor <= prime && prime % factor; factor++);
    if (factor * factor <= prime) continue;
    if (H.length < 8) H.push((Math.pow(prime, 1 / 2) * 4294967296) | 0);
    K.push((Math.pow(prime, 1 / 3) * 4294967296) | 0);
  }
  var W = new Int32Array(64);
  function first(text) {
    W.fill(0, 0, 16);
    for (var i = 0; i < text.length; i++) W[i >> 2] |= text.charCodeAt(i) << (24 - 8 * (i & 3));
    W[i >> 2] |= 128 << (24 - 8 * (i & 3));
    W[15] = 8 * text.length;
    var a = H[0], b = H[1], c = H[2], e = H[4], f = H[5], g = H[6], h = H[7], z = H[3], t, x, y;
    for (i = 0; i < 64; i++) {
      if (i > 15) {
        x = W[i - 15];
        y = W[i - 2];
        W[i] = W[i - 16] + W[i - 7] + ((x >>> 7 | x << 25) ^ (x >>> 18 | x << 14) ^ x >>> 3) +
          ((y >>> 17 | y << 15) ^ (y >>> 19 | y << 13) ^ y >>> 10);
      }
      t = h + ((e >>> 6 | e << 26) ^ (e >>> 11 | e << 21) ^ (e >>> 25 | e << 7)) + (e & f ^ ~e & g) + K[i] + W[i] | 0;
      x = ((a >>> 2 | a << 30) ^ (a >>> 13 | a << 19) ^ (a >>> 22 | a << 10)) + (a & b ^ a & c ^ b & c);
      h = g; g = f; f = e; e = z + t | 0; z = c; c = b; b = a; a = t + x | 0;
    }
    return a + H[0] | 0;
  }

  // in slices, so that the page goes on
  var nonce = 0;
  function work() {
    for (var end = Date.now() + 8; Date.now() < end;) {
      for (var i = 0; i < 200; i++) {
        var guess = (nonce++).toString(36);
        if (first(challenge + "." + guess) >>> (32 - bits) === 0) {
          proof = guess;
          return go();
        }
      }
    }
    setTimeout(work, 0);
  }
  if (bits) work();
})(window, document, "{{PATH}}", "{{TOKEN}}", Number("{{BITS}}"));
