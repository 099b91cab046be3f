"""What keeps a site from being published."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.deploy import refusals
from services.deploy.refusals import KeyInFile, KeyScanner
from shared import credentials

KEY = credentials.mint()
TYPO = KEY[:-1] + ("0" if KEY[-1] != "0" else "1")


@pytest.mark.parametrize("codec", ["ascii", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("around", ["{}", "const key = '{}';", "x{}yz0", "inv_{}", "inv_inv_abc{}"])
def test_a_real_key_in_a_file_is_refused(around: str, codec: str) -> None:
    with pytest.raises(KeyInFile) as caught:
        refusals.refuse({"ok.txt": (b"x", ""), "a/b.js": (f"\n\n{around.format(KEY)}\n".encode(codec), "")})
    body = caught.value.body("req")
    assert (body["code"], body["path"], body["line"]) == ("key_in_file", "a/b.js", 3)
    assert "a/b.js line 3" in body["error"]
    assert KEY not in str(body)
    assert "/keys/revoke" in body["hint"]


@pytest.mark.parametrize(
    "text",
    [TYPO, KEY[:-1], "inv_" + "x" * 36, KEY.upper(), "inv_…", KEY.replace("inv_", "inv-")],
    ids=["typo", "cut", "made up", "loud", "documented", "another prefix"],  # not the key: each process has its own
)
def test_what_only_looks_like_a_key_is_published(text: str) -> None:
    refusals.refuse({"index.html": (text.encode(), "text/html")})


def test_a_key_in_bytes_that_are_no_text_is_refused() -> None:
    with pytest.raises(KeyInFile, match="line 2"):
        refusals.refuse({"x.bin": (b"\xff\0\x80\n" + KEY.encode() + b"\0", "")})


@given(st.lists(st.integers(1, 60), min_size=1), st.sampled_from(["utf-8", "utf-16-le"]))
def test_a_key_is_found_wherever_a_stream_is_cut(sizes: list[int], codec: str) -> None:
    data, scanner, at = ("\n" * 70 + KEY + "\n" * 70).encode(codec), KeyScanner(), 0
    while at < len(data):
        for size in sizes:
            scanner.feed(data[at : at + size])
            at += size
    assert scanner.line == 71
    with pytest.raises(KeyInFile):
        scanner.check("x")


def test_a_stream_without_a_key_passes() -> None:
    scanner = KeyScanner()
    assert [scanner.feed(piece) for piece in (b"inv_", TYPO.encode(), b"")] == [None] * 3
    scanner.check("x")


@pytest.mark.parametrize(
    "page",
    [
        "<input type=password>",
        "<INPUT\nTYPE = 'PassWord' >",
        "<input/type=password />",
        "<input type=&#112;assword>",
        "<script>html = '<input type=\"password\">'</script>",
        '<script>html = "<input type=\\"password\\">"</script>',
        "<!-- <input type=password> -->",
        "<h:input xmlns:h='http://www.w3.org/1999/xhtml' type='password'/>",
        '<iframe srcdoc="&lt;input type=password&gt;"></iframe>',
        "<svg><style><input type=password></style></svg>",
        "<input autocomplete='section-a current-password'>",
        "<input name=Password>",
        "<input autocomplete=cc-number>",
        "<input autocomplete='billing cc-csc'>",
        "<input name=cardNumber>",
        "<input name=card_number type=tel>",
        "<input id=credit-card>",
        "<input placeholder='Card number'>",
        "<input aria-label='CVV'>",
        "<input name=cvc2>",
        "<input name=ccnum>",
        "<input placeholder='Numéro de carte'>",
        "<input placeholder=Kartennummer>",
        "<label>Credit card <input name=x></label>",
        "<label for=x class=y>\n Card number</label><input id=x>",
        "<select name=card_expiry></select>",
    ],
)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_r73_a_page_that_asks_for_secrets_is_found(page: str, codec: str) -> None:
    """R73: pages with password inputs are held for review; card data is as good."""
    found = refusals.asks_for_secrets(f"<p>\n{page}".encode(codec), "login.html")
    assert found is not None
    assert (found.code, found.path, found.line) == ("asks_for_secrets", "login.html", 2)
    assert found.message.startswith("login.html line 2: the page asks for ")


@pytest.mark.parametrize(
    "page",
    [
        "<input type=text name=email><p>password",
        "<input name=iban>",
        "<input name=libraryCardNumber><input placeholder='Gift card number'>",
        "<input type=hidden name=card_number>",
        "<input type=radio name=payment value=credit-card>",
        "<input name=discard><input name=postcard><input name=account>",
        "<label>Business card</label><input>",
        "<p>Credit card number: ask us",
        "<label>Card number</label>",
        "<input type=submit value=password>",
        "<inputs type=password>",
        "<pre>&lt;input type=password&gt;</pre>",
    ],
)
def test_a_page_that_does_not_ask_for_secrets_is_not_held(page: str) -> None:
    assert refusals.asks_for_secrets(page.encode(), "index.html") is None


@pytest.mark.parametrize(
    "kind, is_held",
    [("text/html", True), ("application/xhtml+xml", True), ("image/svg+xml; charset=utf-8", True), ("text/xml", True),
     ("application/rss+xml", True), ("text/plain", False), ("text/javascript", False), ("image/png", False)],
)  # fmt: skip
def test_r73_what_a_browser_shows_as_a_page_is_looked_through(kind: str, is_held: bool) -> None:  # noqa: FBT001
    """R73: whatever it is called."""
    files = {"ok.html": (b"<p>", "text/html"), "x": (b"<input type=password>", kind)}
    assert (refusals.find_secrets(files) is not None) is is_held


def test_a_page_of_too_many_fields_counts_as_one_that_asks() -> None:
    """Or a password field could hide behind them."""
    for page in ("<input>" * 100_000, "".join(f"<input x=card{number}>" for number in range(10_000))):
        assert refusals.asks_for_secrets(page.encode(), "x") is not None


@pytest.mark.parametrize(
    "piece",
    ["<input ", "<label ", "<label>x", "<input a='", "<input a=card", "inv_", pytest.param(TYPO, id="a key's typo")],
)
def test_a_hostile_file_costs_little_time(piece: str) -> None:
    page = b"<input>" + piece.encode() * (2_000_000 // len(piece))
    began = time.process_time()
    refusals.asks_for_secrets(page, "x")
    refusals.refuse({"x": (page, "")})
    assert time.process_time() - began < 1.5
