"""The script that a page may load for its forms, made for one view of one site's page."""

from importlib import resources
from typing import Final

from services.deploy import tokens

_SCRIPT: Final = resources.files("services.deploy").joinpath("form.js").read_text(encoding="utf-8")


def form_script(deployment_id: str, token: str, *, proof: bool) -> str:
    """Return the script; with `proof` it does the work that a busy form asks for."""
    values = {"PATH": f"/submit/{deployment_id}", "TOKEN": token, "BITS": str(tokens.BITS if proof else 0)}
    script = _SCRIPT
    for name, value in values.items():
        script = script.replace("{{" + name + "}}", value)
    return script
