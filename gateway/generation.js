// The generation of the site that a request is for: the size of a file that each publish makes longer (bump.js).
// Alone in its file and no longer than it must be: nginx runs all of it for each request.
import fs from 'fs';
function generation(r) {
    const file = fs.statSync(r.variables.generation_file, { throwIfNoEntry: false });
    return file ? file.size : 0;
}
export default { generation };
