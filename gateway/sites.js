// Generations of sites: a publish gives its hosts new ones, and what the cache holds under the old ones is asked for no
// more. Each is a small file in memory (tmpfs): every worker sees a change at once, and nothing is evicted by others.
import fs from 'fs';

// Milliseconds. A generation may be forgotten once nothing is valid any more that was stored without it: entries are
// valid for 10 s, and no answer takes longer than 5 minutes to arrive.
const KEPT = 10 * 60 * 1000;
const SWEEP_EVERY = 60 * 1000;

// The hosts of a site's versions have its generation.
function site(host) {
    return host.toLowerCase().replace(/^([^.]+)--v[0-9]+\./, '$1.');
}

function generation(r) {
    try {
        return fs.readFileSync(r.variables.generations + r.variables.site, 'utf8');
    } catch (e) {
        return '';
    }
}

function bump(r) {
    if (!allowed(r.headersIn.Authorization || '')) {
        return r.return(401, '{"error":"Unauthorized","code":"unauthorized"}');
    }
    let hosts;
    try {
        hosts = JSON.parse(r.requestText).hosts.map(site);
    } catch (e) {
        return r.return(400, '{"error":"The body is {\\"hosts\\": [...]}","code":"bad_request"}');
    }
    const folder = r.variables.generations;
    make(folder);
    hosts.filter(host => /^[a-z0-9.:[\]-]{1,253}$/.test(host)).forEach(host => {
        // as a whole or not at all
        fs.writeFileSync(`${folder}.${r.variables.request_id}`, r.variables.request_id);
        fs.renameSync(`${folder}.${r.variables.request_id}`, folder + host);
    });
    sweep(folder);
    r.return(200, `{"bumped":${hosts.length}}`);
}

function allowed(given) {
    const wanted = `Bearer ${process.env.INVOKER_SERVICE_TOKEN}`;
    let differs = given.length ^ wanted.length;
    for (let at = 0; at < wanted.length; at++) {
        differs |= given.charCodeAt(at % given.length) ^ wanted.charCodeAt(at);
    }
    return Boolean(process.env.INVOKER_SERVICE_TOKEN) && differs === 0;
}

function make(folder) {
    try {
        fs.mkdirSync(folder, { mode: 0o700 });
    } catch (e) {
        if (e.code !== 'EEXIST') {
            throw e;
        }
    }
}

function sweep(folder) {
    const mark = `${folder}.swept`;
    const now = Date.now();
    if (age(mark, now) < SWEEP_EVERY) {
        return;
    }
    fs.writeFileSync(mark, '');
    fs.readdirSync(folder).forEach(name => {
        if (age(folder + name, now) > KEPT) {
            fs.unlinkSync(folder + name);
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

export default { generation, bump };
