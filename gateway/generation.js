// The generation of the site that a request is for: the size of a file that each publish makes longer (bump.js).
// Alone in its file and no longer than it must be: nginx runs all of it for each request.
import fs from 'fs';
function generation(r) {
    let host = r.variables.host;
    if (host.includes('--v')) {
        // the hosts of a site's versions have its generation
        host = host.replace(/^([^.]+)--v[0-9]+\./, '$1.');
    }
    const file = fs.statSync('/memory/generations/' + host, { throwIfNoEntry: false });
    return file ? file.size : 0;
}
export default { generation };
