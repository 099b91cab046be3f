"""Takes keys out of whatever is about to leave the process."""

import logging
import re
from typing import Any

SECRET = re.compile(r"inv_[0-9A-Za-z]{36}")
HIDDEN = "inv_…"


def redacted(value: Any) -> Any:
    """Give the same JSON value without a key in any text, or in the name of any field."""
    if isinstance(value, str):
        return SECRET.sub(HIDDEN, value)
    if isinstance(value, dict):
        return {redacted(name): redacted(held) for name, held in value.items()}
    if isinstance(value, list):
        return [redacted(each) for each in value]
    return value


class Redacting(logging.Formatter):
    """Formats a record and its traceback, then hides keys: an exception may have quoted one."""

    def format(self, record: logging.LogRecord) -> str:
        return SECRET.sub(HIDDEN, super().format(record))


def log_to_stderr(level: str = "WARNING") -> None:
    """Send every log to stderr, where clients show it or keep it."""
    handler = logging.StreamHandler()
    handler.setFormatter(Redacting("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
