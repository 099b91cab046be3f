"""Codings, parts and conditions by RFC 9110, against plain models of it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.deploy import negotiation
from services.deploy.negotiation import Unsatisfiable


@pytest.mark.parametrize(
    "accepted, wanted",
    [
        ("gzip, deflate, br, zstd", ("br", "gzip")),
        ("gzip, deflate", ("gzip",)),
        ("br", ("br",)),
        ("x-gzip", ("gzip",)),
        ("BR;Q=1.0, GZIP;q=0.5", ("br", "gzip")),
        ("gzip;q=1.0, br;q=0.5", ("gzip", "br")),
        ("br;q=0, gzip", ("gzip",)),
        ("*", ("br", "gzip")),
        ("*;q=0", ()),
        ("br;q=0, *", ("gzip",)),
        ("identity, br;q=0.5", ()),
        ("identity;q=0.5, br;q=0.5", ("br",)),
        ("identity;q=0", ()),
        ("", ()),
        (" , ;q=1,br ; q=0.3", ("br",)),
        ("gzip;q=2, br;q=x", ()),
        ("gzip;q=0.0001", ()),
        ("deflate, compress", ()),
    ],
)
def test_r70_codings_come_in_the_order_in_which_they_are_preferred(accepted: str, wanted: tuple[str, ...]) -> None:
    assert negotiation.codings(accepted) == wanted


@given(st.text(max_size=60))
def test_no_accept_encoding_is_too_odd(accepted: str) -> None:
    assert set(negotiation.codings(accepted)) <= {"br", "gzip"}


@pytest.mark.parametrize(
    "wanted, size, part",
    [
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=0-", 10, (0, 10)),
        ("bytes=9-20", 10, (9, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("BYTES=1-2", 10, (1, 3)),
        ("bytes= 1-2 ", 10, (1, 3)),
        ("bytes=000000000000000000000000000001-2", 10, (1, 3)),
        (f"bytes=0-{'9' * 5000}", 10, (0, 10)),
        ("bytes=5-2", 10, None),
        ("bytes=0-1,3-4", 10, None),
        ("bytes=-", 10, None),
        ("bytes=a-b", 10, None),
        ("bytes 0-1", 10, None),
        ("bytes=+1-2", 10, None),
        ("bytes=1 - 2", 10, None),
        ("bytes=\u0661-2", 10, None),
        ("items=0-1", 10, None),
        ("bytes=-5", 0, None),
    ],
)
def test_r70_a_range_names_a_part_or_is_none(wanted: str, size: int, part: tuple[int, int] | None) -> None:
    assert negotiation.part(wanted, size) == part


@pytest.mark.parametrize(
    "wanted, size", [("bytes=10-", 10), ("bytes=10-12", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-0", 0)]
)
def test_r70_a_part_that_is_not_there_is_said_so(wanted: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        negotiation.part(wanted, size)


def model(first: int | None, last: int | None, size: int) -> set[int] | None:
    """Return which bytes a range means, by trying each: none at all is unsatisfiable, None is no range."""
    if (first is None and last is None) or (first is not None and last is not None and last < first):
        return None
    if first is None:
        return {at for at in range(size) if at >= size - (last or 0)}
    return {at for at in range(size) if at >= first and (last is None or at <= last)}


NUMBERS = st.none() | st.integers(0, 40)


@given(NUMBERS, NUMBERS, st.integers(1, 30))
@example(None, 0, 5)
def test_r70_a_part_is_the_bytes_that_the_model_names(first: int | None, last: int | None, size: int) -> None:
    header = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    wanted = model(first, last, size)
    if wanted == set():
        with pytest.raises(Unsatisfiable):
            negotiation.part(header, size)
        return
    part = negotiation.part(header, size)
    assert (None if part is None else set(range(*part))) == wanted


@given(st.text(max_size=40), st.integers(0, 10))
def test_no_range_is_too_odd(text: str, size: int) -> None:
    try:
        part = negotiation.part(text, size)
    except Unsatisfiable:
        return
    assert part is None or 0 <= part[0] < part[1] <= size


TAGS = st.sampled_from(['"a"', 'W/"a"', '"b"', 'W/"b"', '""', "a", '"a-br"'])


@given(st.lists(TAGS, max_size=5), st.sampled_from([",", " , ", ",\t", ",,"]))
def test_r70_tags_are_compared_weakly_in_a_list(tags: list[str], between: str) -> None:
    assert negotiation.matches(between.join(tags), '"a"') == bool({'"a"', 'W/"a"'} & set(tags))
    assert negotiation.matches(" * ", '"a"')
