"""Which fields a site's forms were answered in before, as far as this process remembers: so that a field is noted once,
and not with each submission.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

#: Forms that are remembered, and field names of one: others are noted again, or not at all.
MAX_FORMS: Final = 10_000
MAX_FIELDS: Final = 500


class SeenFields:
    """One for each process. A name that is not remembered is written again, which changes nothing."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], set[str]] = OrderedDict()

    def new(self, deployment_id: str, form: str, names: Iterable[str]) -> list[str]:
        """Return those of the names that have to be noted."""
        known = self._known.get((deployment_id, form))
        if known is None:
            return list(names)
        if len(known) >= MAX_FIELDS:
            return []
        return [name for name in names if name not in known]

    def keep(self, deployment_id: str, form: str, names: Sequence[str]) -> None:
        """Remember names that are stored now."""
        if not names:
            return
        self._known.setdefault((deployment_id, form), set()).update(names)
        if len(self._known) > MAX_FORMS:
            self._known.popitem(last=False)
