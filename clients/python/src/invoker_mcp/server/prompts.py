"""Beginnings of conversations that users choose from a menu."""

from __future__ import annotations

from dataclasses import dataclass

import mcp_types as types
from mcp.shared.exceptions import MCPError

STEPS = (
    "Call gather_requirements with kind {kind!r} and ask me only what matters and is not said above. Choose a template "
    "with list_templates, or blocks with list_blocks, and a style with list_styles. Put it up with deploy, show me the "
    "preview and its warnings, and publish once I agree. {then}"
)
TEST = "Then try the form with test_form, and tell me how to see what arrives."


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A kind of page to begin with."""

    name: str
    title: str
    wish: str
    kind: str
    asks: str
    then: str = TEST


PROMPTS = (
    Prompt(
        name="waitlist",
        title="Waitlist page",
        wish="Build a page on which people join the waitlist of my product, and put it live.",
        kind="waitlist",
        asks="What the product is, and for whom",
    ),
    Prompt(
        name="contact-form",
        title="Contact form",
        wish="Build a page with a contact form whose messages reach me by mail, and put it live.",
        kind="contact",
        asks="Whose page it is, and what people write about",
    ),
    Prompt(
        name="event-sign-up",
        title="Event sign-up",
        wish="Build a page on which people sign up for my event, and put it live.",
        kind="event",
        asks="What happens, when and where",
    ),
    Prompt(
        name="portfolio",
        title="Portfolio",
        wish="Build a portfolio page of my work with a way to reach me, and put it live.",
        kind="portfolio",
        asks="Who you are and what you have made",
    ),
    Prompt(
        name="feedback-survey",
        title="Feedback survey",
        wish="Build a short survey that asks people for their feedback, and put it live.",
        kind="survey",
        asks="What you want to know, and from whom",
    ),
)
BY_NAME = {prompt.name: prompt for prompt in PROMPTS}


def described(prompt: Prompt) -> types.Prompt:
    about = types.PromptArgument(name="about", description=prompt.asks, required=False)
    return types.Prompt(name=prompt.name, title=prompt.title, description=prompt.wish, arguments=[about])


def filled(name: str, given: dict[str, str]) -> types.GetPromptResult:
    prompt = BY_NAME.get(name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"There is no prompt {name[:100]!r}; there are {', '.join(BY_NAME)}")
    about = f"It is about: {given['about']}" if given.get("about") else ""
    wanted = "\n\n".join(
        part for part in (prompt.wish, about, STEPS.format(kind=prompt.kind, then=prompt.then)) if part
    )
    message = types.PromptMessage(role="user", content=types.TextContent(text=wanted))
    return types.GetPromptResult(description=prompt.wish, messages=[message])
