"""What search finds a submission by."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import words

SITE = "dep_0123456789abcdef"


@pytest.mark.parametrize(
    "data, found",
    [
        ({"email": "Ada@Example.com"}, {"ada", "example", "com"}),
        ({"a": "Straße", "b": "ﬁn"}, {"strasse", "fin"}),
        ({"n": 42, "ok": True, "none": None}, {"42", "true"}),
        ({"tags": ["red", {"deep": ["Blue-green"]}]}, {"red", "blue", "green"}),
        ({"long": "x" * 500}, {"x" * words.MAX_WORD}),
    ],
)
def test_values_are_found_by_their_words(data: dict[str, Any], found: set[str]) -> None:
    assert set(words.of(SITE, None, words.texts(data)).split()) == {SITE} | found


def test_no_text_is_a_site_or_a_form() -> None:
    hostile = {"a": f"dep_other {SITE} =contact", "b": "' & !x"}
    assert set(words.of(SITE, "contact", words.texts(hostile)).split()) == {
        SITE, "=contact", "dep", "other", "0123456789abcdef", "contact", "x",
    }  # fmt: skip


def test_there_is_an_end_to_what_is_known_of_one() -> None:
    assert len(words.of(SITE, None, words.texts({"a": " ".join(map(str, range(5000)))})).split()) == words.MAX_WORDS


def test_a_search_is_for_all_words_of_which_the_last_may_be_begun() -> None:
    assert words.query(SITE, form="a b", text="Ada LOVE") == f"'{SITE}' & '=a%20b' & 'ada' & 'love':*"


@given(st.text(), st.text())
def test_nothing_that_is_searched_for_leaves_its_quotes(form: str, text: str) -> None:
    inside = words.query(SITE, form=form, text=text).split("'")[1::2]
    assert all(word and not set(word) & set(" &|!():*<>\\") for word in inside)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_ascii_has_the_words_that_it_would_have_among_other_letters(text: str) -> None:
    alone = words.of(SITE, None, words.texts({"a": text})).split()
    assert words.of(SITE, None, words.texts({"a": f"{text} é"})).split() in ([*alone, "é"], alone)
