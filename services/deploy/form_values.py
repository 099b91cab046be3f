"""Whether what was sent for a field is what its type stands for, as browsers judge it. Pure functions."""

import re
from collections.abc import Callable
from typing import Final

# wider than what browsers take: they write names beyond ASCII in ASCII, scripts send them as they are
_EMAIL: Final = re.compile(r"""[^\s@()<>\[\]\\,;:"]{1,64}+@[\w-]{1,63}+(?:\.[\w-]{1,63}+)*+""")
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)?", re.ASCII)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:\S++")

_YEAR: Final = "[0-9]{4,6}"
_MONTH: Final = "(?:0[1-9]|1[0-2])"
_DATE: Final = f"{_YEAR}-(?:{_MONTH}-(?:0[1-9]|1[0-9]|2[0-8])|(?!02){_MONTH}-(?:29|30)|02-29|(?:0[13578]|1[02])-31)"
_TIME: Final = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,3})?)?"
#: Times of a zone, which browsers do not send, and scripts do.
_ZONE: Final = r"(?:Z|[+-][0-9]{2}:?[0-9]{2})?"


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda text: compiled.fullmatch(text) is not None


def _is_email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _is_url(text: str) -> bool:
    return _URL.fullmatch(text) is not None


#: Of a field's type: what its values have to be, and what they are said to be if they are not.
TYPES: Final[dict[str, tuple[Callable[[str], bool], str]]] = {
    "email": (_is_email, "not_an_email"),
    "number": (_is_number, "not_a_number"),
    "range": (_is_number, "not_a_number"),
    "url": (_is_url, "not_a_url"),
    "date": (_matches(_DATE), "not_a_date"),
    "month": (_matches(f"{_YEAR}-{_MONTH}"), "not_a_date"),
    "week": (_matches(f"{_YEAR}-W(?:0[1-9]|[1-4][0-9]|5[0-3])"), "not_a_date"),
    "time": (_matches(_TIME), "not_a_date"),
    "datetime-local": (_matches(f"{_DATE}[T ]{_TIME}{_ZONE}"), "not_a_date"),
}
