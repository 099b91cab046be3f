// The words of a command line: parted by spaces, kept together by quotes.

export function words(line, platform = process.platform) {
  // on Windows a backslash is a part of a path, not a way of quoting
  const escape = platform === "win32" ? "(?!)(.)" : "\\\\(.)";
  const piece = new RegExp(`"([^"]*)"|'([^']*)'|${escape}|([^\\s])|(\\s+)`, "gs");
  const found = [];
  let word = null;
  for (const [, double, single, escaped, plain, space] of line.matchAll(piece)) {
    if (space === undefined) word = (word ?? "") + (double ?? single ?? escaped ?? plain);
    else if (word !== null) word = void found.push(word) ?? null;
  }
  return word === null ? found : [...found, word];
}
