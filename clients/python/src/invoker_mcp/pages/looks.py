"""The styles there are."""

from typing import Any, Final

from invoker_mcp.pages.data import load
from invoker_mcp.pages.styles import Palette, Style


def _read(given: dict[str, Any], fonts: dict[str, str]) -> Style:
    stacks = {role: fonts[given[role]] for role in ("display", "body", "label")}
    palettes = {scheme: Palette(**given[scheme]) for scheme in ("light", "dark")}
    return Style(**{**given, **stacks, **palettes, "suits": tuple(given["suits"])})


STYLES: Final[dict[str, Style]] = {
    given["name"]: _read(given, load("styles")["fonts"]) for given in load("styles")["styles"]
}


def list_styles() -> list[dict[str, Any]]:
    """Return each style with what it is for, and its variables."""
    return [
        {
            "style": each.name,
            "description": each.about,
            "suits": list(each.suits),
            "scheme": each.scheme,
            "variables": each.variables(),
        }
        for each in STYLES.values()
    ]
