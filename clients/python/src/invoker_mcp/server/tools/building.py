"""Building a page without writing it from nothing: questions, blocks, styles, templates. Nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from invoker_mcp.server import arguments, bounds
from invoker_mcp.server.caller import Caller
from invoker_mcp.server.tool import LOCAL, Answer, Run, Schema, Tool, ToolError

if TYPE_CHECKING:
    from invoker_mcp.pages import Composed

Built = TypeVar("Built")
KIND: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 100,
    "description": "The kind of page, in a word or two; omit it to see the kinds.",
    "examples": ["waitlist", "portfolio", "event"],
}
#: What a list of many needs of each.
SHORT = ("block", "group", "template", "style", "description", "suits")


async def gather_requirements(_caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp import pages

    found = asked(lambda: pages.gather(given.get("kind", "")))
    questions = found.get("questions")
    count = len(questions) if isinstance(questions, list) else 0
    return Answer(
        f"{count} questions: ask the user those that the conversation has not answered.", bounds.fitting(found)
    )


async def list_blocks(_caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp import pages

    rows = pages.list_blocks()
    wanted = given.get("blocks")
    if unknown := set(wanted or ()) - {row["block"] for row in rows}:
        raise ToolError(f"There is no block {min(unknown)!r}", "Omit blocks to see all their names.")
    rows = [row for row in rows if wanted is None or row["block"] in wanted]
    return _listed("blocks", rows, given, "Compose a page with compose_page, or deploy them right away.")


async def list_styles(_caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp import pages

    return _listed("styles", pages.list_styles(), given, "Name one as `style`.")


async def list_templates(_caller: Caller, given: dict[str, Any]) -> Answer:
    from invoker_mcp import pages

    return _listed("templates", pages.list_templates(), given, "Fill one with use_template, or deploy it right away.")


def _listed(what: str, rows: list[dict[str, Any]], given: dict[str, Any], then: str) -> Answer:
    if given.get("detail") != "detailed":
        rows = [{name: row[name] for name in SHORT if name in row} for row in rows]
    shown, after = bounds.slice_of(rows, given.get("cursor"))
    names = ", ".join(str(row.get(what.removesuffix("s"))) for row in shown)
    return Answer(f"{len(shown)} {what}: {names}. {then}", {what: shown, "next_cursor": after})


async def compose_page(_caller: Caller, given: dict[str, Any]) -> Answer:
    return _shown(made(given), given)


async def use_template(_caller: Caller, given: dict[str, Any]) -> Answer:
    return _shown(made(given), given)


def made(given: dict[str, Any]) -> Composed:
    """Build the page that a call describes by `template`, or by `blocks`."""
    from invoker_mcp import pages

    content, style = given.get("content"), given.get("style")
    if "template" in given:
        return asked(lambda: pages.use_template(given["template"], content, style))
    return asked(lambda: pages.compose(given["blocks"], content=content, **({"style": style} if style else {})))


def asked(build: Callable[[], Built]) -> Built:
    """Build it, and tell mistakes as such."""
    from invoker_mcp.pages.errors import PageError

    try:
        return build()
    except PageError as error:
        raise ToolError(
            "The page cannot be built: " + "; ".join(error.problems[:20]), "Correct that and try again."
        ) from error


def _shown(page: Composed, given: dict[str, Any]) -> Answer:
    size = len(page.html.encode())
    data: dict[str, Any] = {"bytes": size, "warnings": bounds.fitting(list(page.warnings), 8_000), "next_cursor": None}
    then = "Call deploy with the same arguments to put it up for review."
    if given.get("detail") == "detailed":
        data["html"], data["next_cursor"] = bounds.piece(page.html, given.get("cursor"))
        if data["next_cursor"]:
            then = "There is more of it: call again with the cursor."
    data["next_step"] = then
    return Answer(f"A page of {size} bytes, {len(page.warnings)} warnings. {then}", data)


TEXT = {"type": "string"}
MORE: Schema = {"type": ["string", "null"], "description": "The cursor for the rest; null at the end."}
NAMES: Schema = {"type": "array", "items": {"type": "string"}}
ROWS: Schema = {"type": "array", "items": {"type": "object"}}
PAGE: dict[str, Schema] = {
    "bytes": {"type": "integer"},
    "warnings": {"type": "array"},
    "html": {"type": "string", "description": "With detail `detailed` only."},
    "next_cursor": MORE,
    "next_step": TEXT,
}
BEFORE = (
    "Use it to check a page before deploy takes the same arguments; `detailed` also gives its HTML to change by hand."
)
LIST_TAKES = {"detail": arguments.DETAIL, "cursor": arguments.CURSOR}
BUILT = {"content": arguments.CONTENT, **LIST_TAKES}


def _list(what: str, about: str, when: str, run: Run, **more: Schema) -> Tool:
    return Tool(
        name=f"list_{what}",
        title=f"List {what}",
        what=about,
        when=when,
        hints=LOCAL,
        takes={**more, **LIST_TAKES},
        gives={what: ROWS, "next_cursor": MORE},
        always=(what, "next_cursor"),
        run=run,
    )


TOOLS = (
    Tool(
        name="gather_requirements",
        title="What to ask before building",
        what="Gives the questions whose answers a kind of page needs, each with its reason and choices.",
        when="Use it first when a user wants a page and has not said what stands on it.",
        hints=LOCAL,
        takes={"kind": KIND},
        gives={
            "kind": TEXT,
            "questions": ROWS,
            "template": {"type": ["string", "null"], "description": "The template for it."},
            "styles": NAMES,
            "blocks": NAMES,
            "next": TEXT,
        },
        always=("kind", "questions"),
        run=gather_requirements,
    ),
    _list(
        "blocks",
        "Lists the blocks that pages are composed of; `detailed` adds what content each takes.",
        "Use it before compose_page, or before deploy with `blocks`.",
        list_blocks,
        blocks=arguments.BLOCK_NAMES,
    ),
    _list(
        "styles",
        "Lists the styles: colours, type, spacing and corners that fit together.",
        "Use it to choose the `style` of a page with the user.",
        list_styles,
    ),
    Tool(
        name="compose_page",
        title="Compose a page",
        what="Builds one self-contained accessible page from blocks, a style and content, its forms ready to collect.",
        when=BEFORE,
        hints=LOCAL,
        takes={"blocks": arguments.BLOCKS, "style": arguments.STYLE, **BUILT},
        required=("blocks",),
        gives=PAGE,
        always=("bytes", "warnings"),
        run=compose_page,
    ),
    _list(
        "templates",
        "Lists whole pages that only need content; `detailed` adds what content each takes.",
        "Use it when a user wants a usual kind of page quickly.",
        list_templates,
    ),
    Tool(
        name="use_template",
        title="Fill a template",
        what="Builds a page from a template, with the content that is given and sensible words elsewhere.",
        when=BEFORE,
        hints=LOCAL,
        takes={"template": arguments.TEMPLATE, "style": arguments.STYLE, **BUILT},
        required=("template",),
        gives=PAGE,
        always=("bytes", "warnings"),
        run=use_template,
    ),
)
