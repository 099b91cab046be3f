"""What a webhook is sent: JSON of our own, a message for Slack, a message for Discord. Pure functions.

What visitors wrote is shown as they wrote it and does nothing: it mentions nobody, formats nothing, and hides no link
behind other words.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import orjson

from services.deploy.config import Config
from services.deploy.deliveries import Due
from shared import http

#: Slack's limits: blocks, characters of a header, of a section's text and of one of its fields.
BLOCKS: Final = 50
HEADER: Final = 150
SECTION: Final = 3000
FIELD: Final = 2000
#: Fields of a section, two to an answer.
FIELDS: Final = 10
#: All text of one message: Slack refuses more than about 13,200 characters without having said so.
SLACK_TOTAL: Final = 12_000
#: Longer ones, and those of several lines, are not put beside their name.
SHORT: Final = 80

#: Discord's limits: fields, characters of a title, of a field's name and value, and of all.
EMBED_FIELDS: Final = 25
TITLE: Final = 256
NAME: Final = 256
VALUE: Final = 1024
EMBED_TOTAL: Final = 5_500
_COLOUR: Final = 0x2563EB

_MENTION: Final = re.compile(r"<(?=[!@#])")
_MARKDOWN: Final = frozenset("\\*_~`|<>[]()#@:-")
#: What shows nothing at all, where something has to be.
_NOTHING: Final = "—"


def body(due: Due, config: Config) -> bytes:
    """Return the bytes of a delivery: the same at each attempt."""
    match due.type:
        case "slack":
            return orjson.dumps(slack(due, config))
        case "discord":
            return orjson.dumps(discord(due, config))
        case _:
            return orjson.dumps(generic(due, config))


def generic(due: Due, config: Config) -> dict[str, Any]:
    """Return the submission as the API shows it."""
    data: dict[str, Any] = {
        "id": due.submission_id,
        "deployment_id": due.deployment_id,
        "slug": due.slug,
        "form": due.form,
        "data": due.data,
    }
    if due.files:
        url = f"{config.api_url}/submissions/{due.deployment_id}/{due.submission_id}/files/"
        data["files"] = [dict(file) | {"url": url + str(file["id"])} for file in due.files]
    told: dict[str, Any] = {"type": "submission", "created_at": http.timestamp(due.created_at), "data": data}
    return told | {"test": True} if due.status == "test" else told


# Slack


def slack(due: Due, config: Config) -> dict[str, Any]:
    """Return a message of blocks: what came, an answer to a field, and where to read on."""
    title = _title(due)
    answers, left = _fit(_answers(due), SLACK_TOTAL)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title, HEADER)}]
    full = False
    for sections, count in _sections(answers):
        if full := full or len(blocks) + len(sections) >= BLOCKS:
            left += count
        else:
            blocks += sections
    more = f"{left} more in the inbox · " if left else ""
    when = f"<!date^{int(due.created_at.timestamp())}^{{date_short_pretty}} {{time}}|{http.timestamp(due.created_at)}>"
    note = f"{more}{when} · <{_inbox(due, config)}|Open the inbox>"
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": note}]})
    summary = ", ".join(f"{name}: {value}" for name, value in answers)
    return {"text": _escaped(_cut(f"{title} – {summary}", FIELD)), "blocks": blocks}


def _sections(answers: Sequence[tuple[str, str]]) -> Iterator[tuple[list[dict[str, Any]], int]]:
    """Yield short answers beside their names, five to a block, and long ones below; with how many they are."""
    pairs: list[dict[str, Any]] = []
    for name, value in answers:
        short = len(value) <= SHORT and "\n" not in value
        if pairs and (not short or len(pairs) == FIELDS):
            yield [{"type": "section", "fields": pairs}], len(pairs) // 2
            pairs = []
        if short:
            pairs += [_label(name), _plain(value, FIELD)]
        else:
            yield [{"type": "section", "text": _label(name)}, {"type": "section", "text": _plain(value, SECTION)}], 1
    if pairs:
        yield [{"type": "section", "fields": pairs}], len(pairs) // 2


def _label(name: str) -> dict[str, Any]:
    # no formatting of the visitor's own: names of fields are theirs too
    text = _escaped(_cut(name.replace("*", "∗").replace("\n", " "), 200))
    return {"type": "mrkdwn", "text": f"*{text}*", "verbatim": True}


def _plain(text: str, most: int) -> dict[str, Any]:
    # it is no mark-up here, and looks like none to whoever copies the text elsewhere: an invisible sign stands between
    return {"type": "plain_text", "text": _cut(_MENTION.sub("<\u2060", text), most), "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# Discord


def discord(due: Due, config: Config) -> dict[str, Any]:
    """Return a message of one embed, which can mention nobody."""
    answers, left = _fit(_answers(due), EMBED_TOTAL // 2)
    left += max(0, len(answers) - EMBED_FIELDS)
    fields: list[dict[str, Any]] = []
    size = 0
    for name, value in answers[:EMBED_FIELDS]:
        field: dict[str, Any] = {
            "name": _unmarked(name, NAME),
            "value": _unmarked(value, VALUE),
            "inline": len(value) <= SHORT // 2 and "\n" not in value,
        }
        size += len(field["name"]) + len(field["value"])
        if size > EMBED_TOTAL:
            left += len(answers[:EMBED_FIELDS]) - len(fields)
            break
        fields.append(field)
    embed: dict[str, Any] = {
        "title": _cut(_title(due), TITLE),
        "url": _inbox(due, config),
        "color": _COLOUR,
        "fields": fields,
        "timestamp": http.timestamp(due.created_at),
    }
    if left:
        embed["footer"] = {"text": f"{left} more in the inbox"}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _unmarked(text: str, most: int) -> str:
    """Return text with every sign that formats escaped, and at most so long then."""
    pieces: list[str] = []
    size = 0
    for char in _cut(text, most):
        piece = f"\\{char}" if char in _MARKDOWN else char
        if (size := size + len(piece)) > most - 1:
            return "".join(pieces) + "…"
        pieces.append(piece)
    return "".join(pieces)


# Both


def _title(due: Due) -> str:
    form = f"{' '.join(due.form.split())} on " if due.form and due.form.strip() else ""
    return f"{'[Test] ' if due.status == 'test' else ''}New submission: {form}{due.slug}"


def _inbox(due: Due, config: Config) -> str:
    return f"{config.app_url}/dashboard/sites/{due.deployment_id}/inbox"


def _answers(due: Due) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each answer, files last."""
    for name, value in due.data.items():
        yield _shown(name), _shown(_text(value))
    for file in due.files:
        yield _shown(str(file.get("field") or "file")), _shown(f"{file['name']} ({int(file['size']):,} bytes)")


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() if all(isinstance(item, str) for item in value):
            return ", ".join(value)
        case _:
            return orjson.dumps(value).decode()


def _shown(text: str) -> str:
    """Return text without control characters but line breaks; never empty, which neither of them takes."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(char for char in lines if char.isprintable() or char == "\n").strip() or _NOTHING


def _fit(answers: Iterator[tuple[str, str]], total: int) -> tuple[list[tuple[str, str]], int]:
    """Return the answers that there is room for, each cut to a section, and how many more there are."""
    fitting: list[tuple[str, str]] = []
    left = 0
    for name, value in answers:
        shown = (_cut(name, 200), _cut(value, SECTION))
        total -= len(shown[0]) + len(shown[1])
        if left or total < 0:
            left += 1
        else:
            fitting.append(shown)
    return fitting, left


def _cut(text: str, most: int) -> str:
    # characters outside the first plane count twice at both
    units = text.encode("utf-16-le", "surrogatepass")
    return text if len(units) <= 2 * most else units[: 2 * most - 2].decode("utf-16-le", "ignore") + "…"
