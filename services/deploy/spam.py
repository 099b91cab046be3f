"""What speaks for spam: nothing is asked of anybody else, and nothing is refused for it. Pure functions."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

Reason = Literal["honeypot", "too_fast", "no_proof", "duplicate", "links", "words"]

#: Seconds in which nobody reads a form and fills it in.
TOO_FAST: Final = 2.0
#: Addresses of pages in one submission.
MAX_LINKS: Final = 8
#: Times that the same text came before, and characters from which on it is a text: many people write "Thank you!".
MAX_REPEATS: Final = 2
MIN_TEXT: Final = 40

_LINK: Final = re.compile(r"https?://(?:www\.)?|\bwww\.", re.IGNORECASE)
_MARKUP: Final = re.compile(r"<a\s[^<>]{0,200}?href|\[url\b|\[link\b", re.IGNORECASE)
_BBCODE: Final = re.compile(r"\[url\s?=", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+")
#: Scripts that put no blanks between words: Thai to Khmer, Chinese, Japanese, Korean with what it appends.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of a submission beside its data."""

    #: The field that no person sees was filled in.
    trapped: bool = False
    #: Seconds from the page's coming to the form's; None: nothing says so.
    fill: float | None = None
    #: The form is busy, asks for proof of work, and got none.
    unproven: bool = False


def judge(texts: Sequence[str], signs: Signs, *, repeats: int = 0, unwanted: Sequence[str] = ()) -> Reason | None:
    """Return why a submission is held that says this, None for one that is not.

    `repeats` is how often the same text came to the site lately, `unwanted` are words and phrases of its owner.
    """
    if signs.trapped:
        return "honeypot"
    if signs.fill is not None and signs.fill < TOO_FAST:
        return "too_fast"
    if signs.unproven:
        return "no_proof"
    if repeats >= MAX_REPEATS:
        return "duplicate"
    if _floods(texts):
        return "links"
    if unwanted and _has_any(texts, tuple(unwanted)):
        return "words"
    return None


def is_text(texts: Sequence[str]) -> bool:
    """Tell whether there is so much of it that two people hardly write the same."""
    return sum(map(len, texts)) >= MIN_TEXT


def _floods(texts: Sequence[str]) -> bool:
    links = marked = 0
    for text in texts:
        if "://" in text or "www." in text.lower():
            links += sum(1 for _ in _LINK.finditer(text))
        if "<" in text or "[" in text:
            marked += _MARKUP.search(text) is not None
            if _BBCODE.search(text):
                return True
    return links > MAX_LINKS or marked >= 2


def _has_any(texts: Iterable[str], unwanted: tuple[str, ...]) -> bool:
    phrases, pieces = _read(unwanted)
    for text in texts:
        folded = _fold(text)
        if any(piece in folded for piece in pieces):
            return True
        # blanks around each word: a phrase is found as a whole, and only whole words are
        line = f" {' '.join(_WORD.findall(folded))} "
        if any(phrase in line for phrase in phrases):
            return True
    return False


@lru_cache(1024)
def _read(unwanted: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the phrases that are looked for as whole words, and what is looked for anywhere.

    What has signs in it (`c++`, `example.com`), or is of a script without blanks, has no ends that could be told.
    """
    phrases, pieces = list[str](), list[str]()
    for each in map(_fold, unwanted):
        if _UNSPACED.search(each) or re.search(r"[^\w\s'’-]", each):
            pieces.append(" ".join(each.split()))
        elif found := _WORD.findall(each):
            phrases.append(f" {' '.join(found)} ")
    return tuple(phrases), tuple(filter(None, pieces))


def _fold(text: str) -> str:
    """Return text without case and accents."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join([char for char in spread if not unicodedata.combining(char)]).casefold()
