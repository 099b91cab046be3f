"""What search finds a submission by, and what a search asks for: words without case, marks of punctuation or accents
that Unicode takes for the same. Pure functions.

A site's id and a form's name are words too, of a kind that no text has: so one index finds the words of one site.
"""

import unicodedata
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any, Final

#: Words of one submission that search knows, and characters of a word.
MAX_WORDS: Final = 1000
MAX_WORD: Final = 40
#: Words of one search.
MAX_ASKED: Final = 10

#: What is between words, in ASCII: most texts have nothing else, and a table takes a fifth of the time.
_BETWEEN: Final = bytes(code if chr(code).isalnum() else 0x20 for code in range(128)) + bytes(128)


def of(deployment_id: str, form: str | None, said: Sequence[str]) -> str:
    """Return what a submission is found by, of which `texts` gave what it says: words with blanks between them."""
    own = [deployment_id, form_word(form)] if form else [deployment_id]
    found = _split(" ".join(said))
    if len(found) > MAX_WORDS:
        found = list(dict.fromkeys(found))[: MAX_WORDS - len(own)]
    return " ".join(dict.fromkeys(own + found))


def form_word(form: str) -> str:
    """Return the word that stands for a form's name."""
    return "=" + urllib.parse.quote(form, safe="")


def query(deployment_id: str, *, form: str | None = None, text: str | None = None) -> str:
    """Return what to ask PostgreSQL for (a `tsquery`): all words, of which the last may be only begun."""
    asked = [f"'{deployment_id}'"]
    if form:
        asked.append(f"'{form_word(form)}'")
    words = _split(text or "")[:MAX_ASKED]
    asked += [f"'{word}'" for word in words[:-1]] + [f"'{word}':*" for word in words[-1:]]
    return " & ".join(asked)


def has_any(text: str) -> bool:
    """Tell whether a search asks for anything."""
    return bool(_split(text))


def texts(data: Mapping[str, Any]) -> list[str]:
    """Return what is in a submission's values, numbers too, in their order."""
    given = list(data.values())
    # nearly all are, and each costs as much as all that is done with them
    if set(map(type, given)) <= {str}:
        return given
    found: list[str] = []
    given.reverse()
    while given:
        item = given.pop()
        if isinstance(item, str):
            found.append(item)
        elif isinstance(item, dict):
            given += reversed(list(item.values()))
        elif isinstance(item, list):
            given += reversed(item)
        elif item is not None:
            found.append(str(item))
    return found


def _split(text: str) -> list[str]:
    """Return the words of letters and digits; whatever is between them is not looked at."""
    if text.isascii():
        letters = text.lower().encode().translate(_BETWEEN).decode()
    else:
        folded = unicodedata.normalize("NFKC", text).casefold()
        letters = "".join([char if char.isalnum() else " " for char in folded])
    found = letters.split()
    return [word[:MAX_WORD] for word in found] if max(map(len, found), default=0) > MAX_WORD else found
