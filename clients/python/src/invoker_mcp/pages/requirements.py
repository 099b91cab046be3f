"""What to ask before a page is built: a few questions for its kind, with why each matters."""

from typing import Any, Final

from invoker_mcp.pages.data import load
from invoker_mcp.pages.fields import nearest
from invoker_mcp.pages.looks import STYLES

_NEXT: Final = (
    "Ask what is required and not known yet, all at once; take the defaults for the rest. "
    "Then use_template, or compose_page with these blocks."
)


def gather(kind: str) -> dict[str, Any]:
    """Return what to ask for a kind of page, and with what to build it. An unknown kind gets the general questions."""
    known = load("requirements")
    kinds: dict[str, dict[str, Any]] = known["kinds"]
    wanted = " ".join(kind.lower().replace("_", " ").split())
    name = known["also"].get(wanted, wanted)
    found = kinds.get(name)
    given = found or known["other"]
    answer: dict[str, Any] = {
        "kind": name if found else "other",
        "questions": [_question(each) for each in (*known["first"], *given["questions"], *known["last"])],
        "template": given.get("template"),
        "styles": list(given["styles"]),
        "blocks": list(given["blocks"]),
        "next": _NEXT,
    }
    if not found:
        answer["kinds"] = {each: described["about"] for each, described in kinds.items()}
        answer["note"] = f"'{wanted[:60]}' is no kind of its own{nearest(wanted, kinds)}"
    return answer


def _question(given: dict[str, Any]) -> dict[str, Any]:
    options = list(STYLES) if given["id"] == "style" else list(given.get("options", ()))
    return {
        "id": given["id"],
        "question": given["question"],
        "why": given["why"],
        "type": given.get("type", "text"),
        "options": options,
        "default": given.get("default"),
        "required": given.get("required", False),
    }
