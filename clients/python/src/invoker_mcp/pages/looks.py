"""The styles there are."""

from typing import Any, Final

from invoker_mcp.pages.styles import BOOK, DIDONE, GROTESK, HUMANIST, MONO, OLD, ROUND, SANS, Palette, Style

_ALL = (
    Style(
        name="minimal",
        about="Quiet and exact: white space, hairlines, near-black buttons. Nothing to get tired of.",
        suits=("product", "landing", "portfolio", "contact"),
        light=Palette(
            bg="#ffffff", surface="#ffffff", tint="#f5f5f4", text="#18181b", muted="#5b5b63", line="#e4e4e7",
            field="#85858d", accent="#18181b", on_accent="#ffffff", link="#18181b", spark="#d4d4d8",
        ),
        dark=Palette(
            bg="#111113", surface="#18181b", tint="#1b1b1f", text="#f4f4f5", muted="#a8a8b0", line="#2e2e33",
            field="#71717a", accent="#f4f4f5", on_accent="#18181b", link="#f4f4f5", spark="#52525b",
        ),
        display=SANS, body=SANS, label=SANS, h1="clamp(2.2rem,1.3rem + 3.8vw,4rem)", weight=600, track="-.03em",
        radius="8px", button_radius="8px",
    ),
    Style(
        name="editorial",
        about="A good magazine: old-style serif, paper and oxblood, rules instead of boxes, a large first line.",
        suits=("portfolio", "newsletter", "event", "writing"),
        light=Palette(
            bg="#faf7f0", surface="#fffdf8", tint="#f1ebdf", text="#221c18", muted="#655a50", line="#d9cfbf",
            field="#8f8273", accent="#7d1f2b", on_accent="#fff9f2", link="#7d1f2b", spark="#c9a36b",
        ),
        dark=Palette(
            bg="#1a1614", surface="#221d1a", tint="#241e1b", text="#f3ebdf", muted="#b9aa9a", line="#3d342e",
            field="#8c7d70", accent="#e2a0a0", on_accent="#2a1214", link="#e8adab", spark="#a9834d",
        ),
        display=OLD, body=OLD, label=SANS, h1="clamp(2.6rem,1.2rem + 6vw,5.6rem)", h2="clamp(1.9rem,1.2rem + 2.6vw,3.1rem)",
        h3="1.35rem", weight=400, track="-.025em", leading="1.02", radius="0", button_radius="0",
    ),
    Style(
        name="midnight",
        about="A developer's evening: deep blue-black, a cyan to violet glow, labels in monospace. Begins dark.",
        suits=("product", "landing", "developer tools", "waitlist"),
        scheme="dark",
        light=Palette(
            bg="#f6f8fc", surface="#ffffff", tint="#e9eef8", text="#0d1526", muted="#4a5874", line="#d4ddec",
            field="#7486a6", accent="#4338ca", on_accent="#ffffff", link="#4338ca", spark="#0891b2",
        ),
        dark=Palette(
            bg="#080c17", surface="#0f1526", tint="#0c1220", text="#e8edf9", muted="#9aa8c4", line="#212b44",
            field="#5f7095", accent="#8be9fd", on_accent="#06121c", link="#8be9fd", spark="#a78bfa",
        ),
        display=SANS, body=SANS, label=MONO, h1="clamp(2.3rem,1.2rem + 4.8vw,4.6rem)", weight=700, track="-.035em",
        leading="1.06", radius="14px", button_radius="10px", shadow="0 20px 50px -20px rgb(0 0 0/.5)",
    ),
    Style(
        name="warm",
        about="A kitchen with the oven on: terracotta, cream and honey, soft corners, a humanist voice.",
        suits=("restaurant", "contact", "craft", "waitlist"),
        light=Palette(
            bg="#fff8f0", surface="#fffdfa", tint="#fdebd9", text="#3a241a", muted="#75553f", line="#efd8c0",
            field="#a8805f", accent="#b4461f", on_accent="#fffaf5", link="#a33d19", spark="#eda63c",
        ),
        dark=Palette(
            bg="#211510", surface="#2b1d16", tint="#301f17", text="#fbeee1", muted="#cfb09a", line="#4a3427",
            field="#967660", accent="#f0925f", on_accent="#2b1208", link="#f5a478", spark="#d99432",
        ),
        display=HUMANIST, body=HUMANIST, label=HUMANIST, h1="clamp(2.4rem,1.4rem + 4.4vw,4.4rem)", weight=700,
        track="-.015em", radius="22px", button_radius="999px", shadow="0 14px 34px -18px rgb(120 60 20/.35)",
    ),
    Style(
        name="playful",
        about="Stickers on a notebook: violet, sun and mint, round type, outlined shapes with a hard shadow.",
        suits=("event", "survey", "link in bio", "children"),
        light=Palette(
            bg="#fffbeb", surface="#ffffff", tint="#e5f8ee", text="#231942", muted="#5a4f78", line="#231942",
            field="#231942", accent="#6d28d9", on_accent="#ffffff", link="#6d28d9", spark="#ffc93c",
        ),
        dark=Palette(
            bg="#1b1333", surface="#261b47", tint="#20304a", text="#fdf6ff", muted="#c9bde6", line="#6d5aa8",
            field="#9a86d8", accent="#ffd166", on_accent="#2a1b00", link="#ffd98a", spark="#ff7eb6",
        ),
        display=ROUND, body=ROUND, label=ROUND, h1="clamp(2.4rem,1.4rem + 4.6vw,4.6rem)", weight=800, track="-.02em",
        radius="24px", button_radius="999px", border="2px", shadow="4px 5px 0 var(--line)",
    ),
    Style(
        name="corporate",
        about="Sound and legible: navy on white, a clear blue, small corners, light shadows.",
        suits=("landing", "contact", "pricing", "services"),
        light=Palette(
            bg="#ffffff", surface="#ffffff", tint="#f0f5fb", text="#0f2138", muted="#4b5f78", line="#d9e2ee",
            field="#74889f", accent="#0b5bd3", on_accent="#ffffff", link="#0a52be", spark="#12b3a6",
        ),
        dark=Palette(
            bg="#0c1626", surface="#132136", tint="#101d30", text="#eaf1fb", muted="#a6b6cc", line="#263850",
            field="#687d98", accent="#6fb0ff", on_accent="#06182f", link="#86bdff", spark="#2dc9bb",
        ),
        display=SANS, body=SANS, label=SANS, h1="clamp(2.2rem,1.4rem + 3.4vw,3.7rem)", weight=700, track="-.025em",
        leading="1.12", radius="10px", button_radius="8px", shadow="0 10px 30px -16px rgb(15 33 56/.28)",
    ),
    Style(
        name="brutalist",
        about="Loud and honest: black on white, one acid colour, thick edges, capitals, no curve anywhere.",
        suits=("portfolio", "event", "music", "waitlist"),
        light=Palette(
            bg="#ffffff", surface="#ffffff", tint="#f2f2f2", text="#000000", muted="#333333", line="#000000",
            field="#000000", accent="#e7ff3a", on_accent="#000000", link="#000000", spark="#ff5a36",
        ),
        dark=Palette(
            bg="#0a0a0a", surface="#0a0a0a", tint="#1a1a1a", text="#ffffff", muted="#d0d0d0", line="#ffffff",
            field="#ffffff", accent="#e7ff3a", on_accent="#000000", link="#ffffff", spark="#ff5a36",
        ),
        display=GROTESK, body=GROTESK, label=MONO, h1="clamp(2.5rem,.9rem + 7.6vw,7rem)",
        h2="clamp(1.9rem,1rem + 3.6vw,3.6rem)", weight=900, track="-.045em", leading=".95", radius="0",
        button_radius="0", border="3px", shadow="6px 6px 0 var(--line)",
    ),
    Style(
        name="nature",
        about="A walk after rain: moss and bark on linen, a calm serif, leaves for corners.",
        suits=("craft", "garden", "health", "event", "product"),
        light=Palette(
            bg="#f6f5ec", surface="#fdfcf6", tint="#e4ead8", text="#1f2c20", muted="#4f6050", line="#cfd6bf",
            field="#74866f", accent="#2f5d3a", on_accent="#f8faf0", link="#2a5534", spark="#c98b4b",
        ),
        dark=Palette(
            bg="#121a14", surface="#19231b", tint="#1c291f", text="#eaf0e2", muted="#a9b9a3", line="#2f4033",
            field="#6d826d", accent="#a5cf95", on_accent="#10200f", link="#b2d8a4", spark="#c08750",
        ),
        display=BOOK, body=HUMANIST, label=HUMANIST, h1="clamp(2.4rem,1.3rem + 4.8vw,4.7rem)", weight=600, track="-.02em",
        leading="1.08", radius="28px 6px", button_radius="14px 4px",
    ),
    Style(
        name="noir",
        about="The good table by the window: high-contrast serif in gold on black, wide-set capitals. Begins dark.",
        suits=("restaurant", "event", "portfolio", "hotel"),
        scheme="dark",
        light=Palette(
            bg="#f8f5ef", surface="#fffdf9", tint="#eee7da", text="#1b1814", muted="#625949", line="#d8ccb7",
            field="#8d8068", accent="#1b1814", on_accent="#f0d9a6", link="#76581a", spark="#c3a25b",
        ),
        dark=Palette(
            bg="#0e0d0b", surface="#161411", tint="#14120f", text="#f2ebdd", muted="#b5aa96", line="#38322a",
            field="#7f7462", accent="#d9bd7f", on_accent="#191308", link="#e0c68e", spark="#7a5f2e",
        ),
        display=DIDONE, body=BOOK, label=SANS, h1="clamp(2.6rem,1.3rem + 5.8vw,5.4rem)",
        h2="clamp(1.9rem,1.2rem + 2.6vw,3rem)", h3="1.3rem", weight=400, track="-.01em", leading="1.06", radius="0",
        button_radius="0",
    ),
    Style(
        name="blueprint",
        about="An engineer's desk: graph paper, monospace labels, thin blue lines and measured corners.",
        suits=("developer tools", "hardware", "survey", "workshop"),
        light=Palette(
            bg="#f4f7fb", surface="#fbfdff", tint="#e3ecf7", text="#10254a", muted="#43587f", line="#b3c6e2",
            field="#6480ac", accent="#1746a2", on_accent="#ffffff", link="#1746a2", spark="#ff8a3d",
        ),
        dark=Palette(
            bg="#0b2350", surface="#0f2a5e", tint="#0d2756", text="#eaf2ff", muted="#b2c8ee", line="#33558f",
            field="#7d9cd2", accent="#ffffff", on_accent="#0b2350", link="#cfe2ff", spark="#ffab70",
        ),
        display=MONO, body=SANS, label=MONO, h1="clamp(1.9rem,1rem + 3.9vw,3.7rem)", h2="clamp(1.4rem,1rem + 1.8vw,2.1rem)",
        h3="1.05rem", weight=700, track="-.04em", leading="1.14", radius="3px", button_radius="3px",
    ),
)
STYLES: Final[dict[str, Style]] = {style.name: style for style in _ALL}


def list_styles() -> list[dict[str, Any]]:
    """Return each style with what it is for and its main colours."""
    return [
        {
            "style": each.name,
            "description": each.about,
            "suits": list(each.suits),
            "scheme": each.scheme,
            "variables": each.variables(),
        }
        for each in _ALL
    ]
