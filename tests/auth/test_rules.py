"""The rules of addresses, codes and keys, without a server."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth import accounts, keys, logins
from services.auth.config import Config
from shared import credentials
from shared.auth_client import Caller
from shared.config import load

MINUTE = timedelta(minutes=1)


def a_caller(*scopes: str) -> Caller:
    return Caller(
        account_id="acc_1",
        email="a@example.com",
        plan="free",
        kind="key",
        credential_id="key_1",
        scopes=frozenset(scopes),
    )


def test_r42_keys_have_the_form_and_a_checksum_and_never_repeat() -> None:
    """R42: a twentieth of its million, for the clock's sake."""
    minted = {credentials.mint() for _ in range(50_000)}
    assert len(minted) == 50_000
    assert all(map(credentials.well_formed, minted))


@given(place=st.integers(4, 39), letter=st.sampled_from("0aZ9"))
def test_r42_a_typo_is_seen_without_asking_anybody(place: int, letter: str) -> None:
    """R42: CRC32 catches every change of a single character."""
    key = credentials.mint()
    typo = key[:place] + letter + key[place + 1 :]
    assert credentials.well_formed(typo) == (typo == key)


def test_r56_a_link_has_at_least_128_bits_and_a_code_six_digits() -> None:
    """R56: 43 base62 characters carry 256 bits; the code has five tries and ten minutes."""
    new = logins.new_code()
    assert len(new.link.removeprefix("lnk_")) == 43
    assert logins.plain_code(new.code) == new.code
    assert timedelta(minutes=10) >= logins.CODE_LIFE
    assert logins.TRIES == 5
    assert new.code not in repr(new)
    assert new.link not in repr(new)


def test_equal_codes_are_stored_differently() -> None:
    digests = {logins.code_digest(logins.new_code().salt, "123456") for _ in range(10)}
    assert len(digests) == 10


@pytest.mark.parametrize("typed", ["123456", " 123 456 ", "123-456"])
def test_a_code_may_be_typed_with_gaps(typed: str) -> None:
    assert logins.plain_code(typed) == "123456"


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "12345a", "１２３４５６", "١٢٣٤٥٦"])
def test_anything_but_six_digits_is_no_code(typed: str) -> None:
    assert logins.plain_code(typed) is None


def test_user_codes_are_eight_letters_without_vowels() -> None:
    code = logins.new_user_code()
    assert len(code) == 9
    assert not set(code) & set("AEIOUY01")
    assert logins.same_user_code(code, f" {code.lower().replace('-', ' ')} ")
    assert not logins.same_user_code(code, code[:-1])
    assert not logins.same_user_code(code, "ÄÖÜß-ÄÖÜß")


@pytest.mark.parametrize(
    "ages,wait",
    [
        ([], 0),
        ([1, 2], 0),
        ([1, 2, 3], 12),
        ([1, 2, 16], 0),
        ([20, 40, 60, 80, 100, 120, 140, 160, 180], 0),
        ([20, 40, 60, 80, 100, 120, 140, 160, 180, 1430], 10),
    ],
)
def test_a_mailbox_waits_after_three_mails_in_15_minutes_and_ten_in_a_day(ages: list[int], wait: int) -> None:
    assert logins.wait_for_mail([age * MINUTE for age in ages]) == wait * MINUTE


@pytest.mark.parametrize(
    "typed,account,mailbox",
    [
        ("Anna@Example.COM", "anna@example.com", "anna@example.com"),
        ("anna+shop@example.com", "anna+shop@example.com", "anna@example.com"),
        (" ünï@bücher.example ", "ünï@bücher.example", "ünï@bücher.example"),
        ("Straße@example.test", "straße@example.test", "strasse@example.test"),
    ],
)
def test_an_account_is_its_address_without_case(typed: str, account: str, mailbox: str) -> None:
    address = accounts.parse_address(typed)
    assert (address.account, address.mailbox) == (account, mailbox)


@pytest.mark.parametrize(
    "typed", ["", "a", "a@", "@b.example", "a b@c.example", "a@b.example\nBcc: c@d.example", "a@b\0.example"]
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(accounts.InvalidEmail):
        accounts.parse_address(typed)


def test_a_key_gets_its_makers_scopes_or_less() -> None:
    assert keys.scopes_for(a_caller("full"), None) == ("full",)
    assert keys.scopes_for(a_caller("full"), frozenset({"read", "deploy"})) == ("deploy", "read")
    assert keys.scopes_for(a_caller("keys", "deploy"), frozenset({"read"})) == ("read",)
    for beyond in ("full", "deploy", "submissions"):
        with pytest.raises(keys.BeyondCaller):
            keys.scopes_for(a_caller("keys", "read"), frozenset({beyond}))


GOOD = {
    "INVOKER_DATABASE_URL": "postgresql://localhost/x",
    "INVOKER_SERVICE_TOKEN": "0123456789abcdef",
    "INVOKER_DEPLOY_INTERNAL_URL": "http://deploy:8081",
}


def test_the_configuration_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    assert load(Config).deploy_internal_url == "http://deploy:8081"
    assert "0123456789abcdef" not in repr(load(Config))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_ends_the_process_with_its_name(
    name: str, value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if name == "INVOKER_DATABASE_URL" and value == "":
        value = None
    for other, good in GOOD.items():
        monkeypatch.setenv(other, good)
    if value is None:
        monkeypatch.delenv(name)
    else:
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        load(Config)
    assert ended.value.code == 78
    assert name in capsys.readouterr().err


@pytest.mark.parametrize(
    "name,value",
    [
        ("INVOKER_DEPLOY_INTERNAL_URL", "deploy:8081"),
        ("INVOKER_APP_URL", "nonsense"),
        ("INVOKER_SERVICE_TOKEN", "short"),
        ("INVOKER_RATE_LIMITS", "perhaps"),
        ("INVOKER_PLANS", "{"),
    ],
)
def test_a_wrong_variable_ends_the_process_with_its_name(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for other, good in (GOOD | {name: value}).items():
        monkeypatch.setenv(other, good)
    with pytest.raises(SystemExit):
        load(Config)
    told = capsys.readouterr().err
    assert name in told
    assert value not in told or len(value) < 2
