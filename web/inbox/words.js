// How what became of a submission is said.

/** Why a submission is held, as a sentence. */
const HELD = {
  honeypot: "A hidden field was filled in, one that people do not see.",
  too_fast: "It was sent faster than a person can type.",
  duplicate: "The same was sent shortly before.",
  links: "It has more links than people write.",
  words: "It has a word from your list.",
  no_proof: "Its browser did not do the small calculation that it was asked for.",
};

export const whyHeld = (reason) => HELD[reason] ?? (reason ? `${plain(reason)}.` : "You marked it as spam.");

/** The same for lists, where there is room for a word or two. */
const SHORT = {
  honeypot: "Hidden field",
  too_fast: "Too fast",
  duplicate: "Repeated",
  links: "Many links",
  words: "Your words",
  no_proof: "No proof",
};

export const shortReason = (reason) => SHORT[reason] ?? (reason ? plain(reason) : "By you");

/** What is counted and not stored as accepted, by `outcome.reason`. */
const COUNTED = {
  "held.honeypot": "held: a hidden field was filled in",
  "held.too_fast": "held: sent faster than a person can type",
  "held.duplicate": "held: the same was sent shortly before",
  "held.links": "held: more links than people write",
  "held.words": "held: a word from your list",
  "held.no_proof": "held: the browser did not do its calculation",
  "dropped.rate_limited": "dropped: too many from one address, or to this form at once",
  "dropped.too_large": "dropped: too large",
  "dropped.files_not_taken": "dropped: with a file, which this site does not take",
  "dropped.origin_not_allowed": "dropped: sent from a page that may not",
  "dropped.unknown_type": "dropped: not sent as a form sends it",
  "dropped.unreadable": "dropped: could not be read",
  "dropped.key_reused": "dropped: sent twice, with something else in it",
  "dropped.unavailable": "dropped: we could not store it, and said so",
};

export function counted(reason) {
  const [outcome, ...rest] = reason.split(".");
  return COUNTED[reason] ?? `${outcome}: ${plain(rest.join(" ")).toLowerCase()}`;
}

/** What does not fit the page's form. */
const PROBLEMS = {
  missing: "has to be filled in, and was not",
  several_values: "has several values, and takes one",
  not_an_option: "is none of the answers that the form offers",
  not_an_email: "is not an email address",
  not_a_number: "is not a number",
  not_a_url: "is not a web address",
  not_a_date: "is not a date or a time",
};

export const problemOf = (problem) => PROBLEMS[problem] ?? plain(problem).toLowerCase();

const plain = (word) => {
  const text = word.replaceAll("_", " ").trim();
  return text.charAt(0).toUpperCase() + text.slice(1);
};
