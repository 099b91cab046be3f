"""Which spellings of an address are one account and one mailbox, and which never are."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth.accounts import InvalidEmail, parse_address
from tests.support.auth import Auth, an_address

LONG = ".".join(["b" * 60] * 4)

#: typed, the account, the mailbox that mails are counted by
SPELLINGS = [
    ("Anna@Example.COM", "anna@example.com", "anna@example.com"),
    ("  anna@example.com\t", "anna@example.com", "anna@example.com"),
    ("anna+shop@example.com", "anna+shop@example.com", "anna@example.com"),
    ("Anna+A+B@example.com", "anna+a+b@example.com", "anna@example.com"),
    ("+4930@example.com", "+4930@example.com", "+4930@example.com"),
    # one domain in its spellings: Unicode, capitals, punycode, full-width, an ideographic dot
    ("a@bücher.example", "a@bücher.example", "a@bücher.example"),
    ("a@BÜCHER.example", "a@bücher.example", "a@bücher.example"),
    ("a@xn--bcher-kva.example", "a@bücher.example", "a@bücher.example"),
    ("a@XN--BCHER-KVA.example", "a@bücher.example", "a@bücher.example"),
    ("a@bu\u0308cher.example", "a@bücher.example", "a@bücher.example"),
    ("a@ｅxample。com", "a@example.com", "a@example.com"),
    # composed and decomposed
    ("U\u0308ni@example.com", "üni@example.com", "üni@example.com"),
    ("\u212aim@example.com", "kim@example.com", "kim@example.com"),
    # two mailboxes that casefolding would make one: two accounts, though limited together
    ("straße@example.com", "straße@example.com", "strasse@example.com"),
    ("ſusan@example.com", "ſusan@example.com", "susan@example.com"),
    # two domains with two owners
    ("a@faß.example", "a@faß.example", "a@faß.example"),
    ("a@fass.example", "a@fass.example", "a@fass.example"),
    # letters that look alike
    ("p@\u0430pple.example", "p@\u0430pple.example", "p@\u0430pple.example"),
    ("\u0430nna@example.com", "\u0430nna@example.com", "\u0430nna@example.com"),
    ("\u0131van@example.com", "\u0131van@example.com", "\u0131van@example.com"),
    ("用户@例子.example", "用户@例子.example", "用户@例子.example"),
    ("o'hara%x@example.com", "o'hara%x@example.com", "o'hara%x@example.com"),
    ("a" * 64 + "@example.com", "a" * 64 + "@example.com", "a" * 64 + "@example.com"),
]

REFUSED = [
    *["", "a", "a@", "@b.example", "a b@c.example", "a@b@c.example", "a@example", "a@localhost", "a@b.local"],
    *['"a b"@example.com', '"a"@example.com', "a@[127.0.0.1]", "<a@example.com>", "A <a@example.com>"],
    *["a@example.com.", ".a@example.com", "a.@example.com", "a..b@example.com", "a@-b.example", "a@b_c.example"],
    *[
        "a@example.com\nBcc: c@d.example",
        "a\r\n@example.com",
        "a\0@example.com",
        "a\x1b@example.com",
        "a\x7f@example.com",
    ],
    *["a\u202e@example.com", "a\u200bb@example.com", "a\ufeff@example.com", "a\u2028@example.com", "a@b\u200d.example"],
    *["a@xn--zzzzzz.example", "a@xn--.example", "a@👍.example"],
    *["a" * 65 + "@example.com", "a@" + "b" * 64 + ".example", f"{'a' * 60}@{LONG}.example"],
    *["a@example.com,b@example.com", "a@example.com;b@example.com", "mailto:a@example.com", "a@example.com?cc=b"],
]


@pytest.mark.parametrize("typed,account,mailbox", SPELLINGS, ids=ascii)
def test_an_account_and_a_mailbox_have_one_form(typed: str, account: str, mailbox: str) -> None:
    address = parse_address(typed)
    assert (address.account, address.mailbox) == (account, mailbox)
    assert parse_address(account).account == account, "the form is its own form"
    assert parse_address(address.to).account == account, "what is mailed is what is counted"


@pytest.mark.parametrize("typed", REFUSED, ids=ascii)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(InvalidEmail) as refused:
        parse_address(typed)
    assert refused.value.hint
    assert refused.value.hint.isprintable()


@given(st.text(st.characters(categories=["L", "M", "N", "P", "S"]), max_size=12), st.sampled_from("eßİſK"))
def test_folding_merges_no_two_addresses_but_by_case(name: str, letter: str) -> None:
    """What is an address has one stable form, which differs from it by case and composition alone."""
    try:
        address = parse_address(f"{name}{letter}@example.com")
    except InvalidEmail:
        return
    assert parse_address(address.account).account == address.account
    assert address.account == unicodedata.normalize("NFC", address.to.lower())


async def test_the_spellings_of_an_idn_address_are_one_account_and_void_each_others_codes(auth: Auth) -> None:
    """R56: a newer code voids the older of the same address, however that was written; the mail goes as typed."""
    name = an_address("ü").partition("@")[0]
    spellings = [f"{name}@bücher.example", f"{name.upper()}@XN--BCHER-KVA.example", f"{name}@BU\u0308CHER.example"]
    started = [await auth.start() for _ in spellings]
    for login, email in zip(started, spellings, strict=True):
        assert (await auth.send_code(login, email)).status == 202
    mails = [await auth.mail(spellings[0], number + 1) for number in range(3)]
    statuses = [(await auth.verify(login, mail.code)).status for login, mail in zip(started, mails, strict=True)]
    assert statuses == [400, 400, 200]
    assert (await auth.poll(started[-1])).json["email"] == spellings[0]
    assert mails[1].to == f"{name.upper()}@bücher.example"
    assert await auth.log_in(spellings[0])
    assert await auth.db.fetchval("SELECT count(*) FROM accounts") == 1


async def test_the_owner_of_a_lookalike_domain_gets_an_account_of_their_own(auth: Auth) -> None:
    """Whoever buys faß.example cannot log in to an account of fass.example."""
    name = an_address().partition("@")[0]
    keys = [await auth.log_in(f"{name}@{domain}") for domain in ("fass.example", "faß.example", "f\u0430ss.example")]
    owners = {(await auth.check(key))["caller"]["account_id"] for key in keys}
    assert len(owners) == 3
