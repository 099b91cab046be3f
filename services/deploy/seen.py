"""Which fields a site's forms were answered in before, as far as this process remembers: so that a field is noted once,
and not with each submission.
"""

from collections.abc import Iterable
from typing import Final

from cachetools import LRUCache

#: Forms that are remembered, and field names of one: others are noted again, or not at all.
MAX_FORMS: Final = 10_000
MAX_FIELDS: Final = 500


class SeenFields:
    """One for each process. A name that is not remembered is written again, which changes nothing."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, str], set[str]] = LRUCache(MAX_FORMS)

    def new(self, deployment_id: str, form: str, names: Iterable[str]) -> list[str]:
        """Return those of the names that have to be noted."""
        known = self._known.get((deployment_id, form))
        if known is None:
            return list(names)
        if len(known) >= MAX_FIELDS:
            return []
        return [name for name in names if name not in known]

    def keep(self, deployment_id: str, form: str, names: Iterable[str]) -> None:
        """Remember names that are stored now."""
        known = self._known.setdefault((deployment_id, form), set())
        known.update(names)
