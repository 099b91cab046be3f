"""What the key check is remembered in: bounded, and nothing is given out late."""

import pytest

from shared.expiring import Expiring
from tests.support.clock import Clock


@pytest.mark.parametrize("late", range(4))
def test_an_entry_that_counts_from_earlier_ends_in_time_wherever_it_stands(late: int) -> None:
    """Such an entry stands behind younger ones; it is thrown away late, and never given out late."""
    clock = Clock()
    known: Expiring[str, int] = Expiring(3, 10.0, clock)
    for number in range(4):
        known.put(str(number), number, since=clock.now - (0.8 if number == late else 0))
    assert len(known) == 3
    assert known.get("0") is None, "the first of those here made room"
    clock.now += 9.5
    assert [number for number in range(1, 4) if known.get(str(number))] == [n for n in range(1, 4) if n != late]
    clock.now += 1
    known.put("5", 5)
    assert len(known) == 1
