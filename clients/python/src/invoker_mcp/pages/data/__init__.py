"""What is data and no code: styles, drawings, questions."""

import json
from functools import cache
from importlib import resources
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """Return a file of this folder. It is shared: nobody changes it."""
    text = resources.files("invoker_mcp.pages.data").joinpath(f"{name}.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
