"""How much of the sender each webhook may use, so that slow receivers take no time from others (R79).

A webhook begins with one delivery at a time and gets more with each that goes well; one that goes wrong has it begin
anew. Those that have shown nothing yet share half of all places, so that however many receivers hang, the others go on.
"""

from collections import Counter, OrderedDict
from typing import Final

from services.deploy.store.deliveries import Room

#: Deliveries under way, in all and for one webhook.
TOTAL: Final = 256
MOST: Final = 8
#: For all webhooks together that have not answered well when they were last asked.
OTHERS: Final = TOTAL // 2
#: Webhooks that are remembered to have answered well.
REMEMBERED: Final = 1000


class Rooms:
    """What is under way in one process, and who has answered well."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        #: How many each may have under way; the one that answered last at the end.
        self._sizes: OrderedDict[str, int] = OrderedDict()

    def begin(self, webhook_id: str) -> None:
        self._under_way[webhook_id] += 1

    def end(self, webhook_id: str, *, delivered: bool) -> None:
        self._under_way[webhook_id] -= 1
        if not self._under_way[webhook_id]:
            del self._under_way[webhook_id]
        if delivered:
            self._sizes[webhook_id] = min(MOST, self._sizes.get(webhook_id, 1) + 1)
            self._sizes.move_to_end(webhook_id)
            if len(self._sizes) > REMEMBERED:
                self._sizes.popitem(last=False)
        else:
            self._sizes.pop(webhook_id, None)

    def left(self) -> Room:
        """Return what there is room for."""
        known = {name: size - self._under_way[name] for name, size in self._sizes.items()}
        others = sum(count for name, count in self._under_way.items() if name not in self._sizes)
        return Room(
            total=TOTAL - self._under_way.total(),
            known={name: room for name, room in known.items() if room > 0},
            busy=[name for name in self._under_way if known.get(name, 0) <= 0],
            others=max(0, OTHERS - others),
        )
