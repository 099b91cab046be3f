"""How a page can look: each style is colours in light and dark, type, spacing and shapes, as CSS variables."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

Scheme = Literal["auto", "light", "dark"]
SCHEMES: Final = ("auto", "light", "dark")
_SHAPE: Final = (
    *("display", "body", "label", "h1", "h2", "h3", "weight", "track", "leading"),
    *("space", "radius", "button_radius", "border", "shadow"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """Colours of one scheme; text on each background reaches AA, which the tests compute."""

    bg: str
    surface: str
    tint: str
    text: str
    muted: str
    #: Lines that only decorate.
    line: str
    #: The edge of what can be filled in: 3:1.
    field: str
    accent: str
    on_accent: str
    #: Links and small coloured text.
    link: str
    #: A second colour, for drawings and marks.
    spark: str

    def css(self) -> str:
        """Return it as declarations."""
        return "".join(f"--{name.replace('_', '-')}:{colour};" for name, colour in asdict(self).items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One look."""

    name: str
    about: str
    suits: tuple[str, ...]
    light: Palette
    dark: Palette
    #: What a page has when it does not say; a look made for the dark begins there.
    scheme: Scheme = "auto"
    #: Type, spacing, radius, shadow.
    display: str
    body: str
    label: str
    h1: str
    h2: str = "clamp(1.7rem,1.2rem + 2vw,2.6rem)"
    h3: str = "1.2rem"
    weight: int = 700
    track: str = "-.02em"
    leading: str = "1.1"
    space: str = "clamp(3.5rem,2.5rem + 4vw,6.5rem)"
    radius: str = "12px"
    button_radius: str = "12px"
    border: str = "1px"
    shadow: str = "none"

    def variables(self) -> dict[str, Any]:
        """Return type, spacing and shapes, and the colours of both schemes."""
        return {"shape": self._shape(), "light": asdict(self.light), "dark": asdict(self.dark)}

    def _shape(self) -> dict[str, str]:
        return {name.replace("_", "-"): str(getattr(self, name)) for name in _SHAPE}

    def css(self, scheme: Scheme) -> str:
        """Return the variables, for both schemes or the one that was chosen."""
        shape = "".join(f"--{name}:{value};" for name, value in self._shape().items())
        if scheme == "auto":
            dark = f"@media (prefers-color-scheme:dark){{:root{{{self.dark.css()}}}}}"
            return f":root{{color-scheme:light dark;{shape}{self.light.css()}}}{dark}"
        palette = self.light if scheme == "light" else self.dark
        return f":root{{color-scheme:{scheme};{shape}{palette.css()}}}"
