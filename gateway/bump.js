// Gives sites a new generation, so that what the cache holds of them is asked for no more. It is the size of a small file
// in memory (tmpfs) that a bump makes a byte longer: every worker sees it at once for the price of one system call
// (reading the file would cost as much as all the rest of a cached answer), and nothing pushes it out.
import fs from 'fs';

// Milliseconds. A generation is forgotten, and then counted from 1 again, when nothing is valid any more that was stored
// without it: entries are valid for 10 s, and no answer takes longer than 5 minutes to arrive.
const KEPT = 10 * 60 * 1000;
const SWEEP_EVERY = 60 * 1000;

const FOLDER = '/memory/generations/';

function bump(r) {
    if (!allowed(r.headersIn.Authorization || '')) {
        return r.return(401, '{"error":"Unauthorized","code":"unauthorized"}');
    }
    let hosts;
    try {
        hosts = JSON.parse(r.requestText).hosts.map(live);
    } catch (e) {
        return r.return(400, '{"error":"The body is {\\"hosts\\": [...]}","code":"bad_request"}');
    }
    make();
    hosts.filter(host => /^[a-z0-9[][a-z0-9.:\]-]{0,252}$/.test(host)).forEach(host => fs.appendFileSync(FOLDER + host, '.'));
    sweep();
    r.return(200, `{"bumped":${hosts.length}}`);
}

// The host of a site by that of one of its versions: generation.js knows it too.
function live(host) {
    return host.toLowerCase().replace(/^([^.]+)--v[0-9]+\./, '$1.');
}

function allowed(given) {
    const wanted = `Bearer ${process.env.INVOKER_SERVICE_TOKEN}`;
    let differs = given.length ^ wanted.length;
    for (let at = 0; at < wanted.length; at++) {
        differs |= given.charCodeAt(at % given.length) ^ wanted.charCodeAt(at);
    }
    return Boolean(process.env.INVOKER_SERVICE_TOKEN) && differs === 0;
}

function make() {
    try {
        fs.mkdirSync(FOLDER, { mode: 0o700 });
    } catch (e) {
        if (e.code !== 'EEXIST') {
            throw e;
        }
    }
}

function sweep() {
    const mark = `${FOLDER}.swept`;
    const now = Date.now();
    if (age(mark, now) < SWEEP_EVERY) {
        return;
    }
    fs.writeFileSync(mark, '');
    fs.readdirSync(FOLDER).forEach(name => {
        if (age(FOLDER + name, now) > KEPT) {
            fs.unlinkSync(FOLDER + name);
        }
    });
}

// Of a file, in milliseconds; one that is not there is very old.
function age(path, now) {
    try {
        return now - fs.statSync(path).mtimeMs;
    } catch (e) {
        return Infinity;
    }
}

export default { bump };
