"""What to ask before a page is built: a few questions for its kind, with why each matters."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from invoker_mcp.pages.fields import nearest
from invoker_mcp.pages.looks import STYLES

Answer = Literal["text", "long", "choice", "choices", "list", "yes_no", "email", "url", "date"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One thing to find out."""

    id: str
    question: str
    why: str
    type: Answer = "text"
    options: tuple[str, ...] = ()
    default: str | None = None
    required: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return it as an answer shows it."""
        return {
            "id": self.id,
            "question": self.question,
            "why": self.why,
            "type": self.type,
            "options": list(self.options),
            "default": self.default,
            "required": self.required,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of page: its own questions, and where to begin."""

    name: str
    about: str
    template: str
    styles: tuple[str, ...]
    blocks: tuple[str, ...]
    questions: tuple[Question, ...]


def _ask(id_: str, question: str, why: str, **more: Any) -> Question:
    return Question(id=id_, question=question, why=why, **more)


_NAME = _ask("name", "What is it called?", "It stands in the header, the title and the address.", required=True)
_AUDIENCE = _ask(
    "audience",
    "Who is the page for, and what do they know already?",
    "It decides what the first sentence can leave out.",
)
_STYLE = _ask(
    "style",
    "How should it look?",
    "Colours, type and shapes come from one of the styles.",
    type="choice",
    options=tuple(STYLES),
)
_LANG = _ask("language", "In which language?", "Screen readers and search engines go by it.", default="en")
_EMAIL = _ask(
    "email",
    "Which address may visitors see?",
    "It goes into the footer; leave it out and only the form remains.",
    type="email",
)
_IMAGES = _ask(
    "images",
    "Are there pictures, under which https addresses?",
    "Without any the page has drawings in the style's colours.",
    type="list",
)
_NOTIFY = _ask(
    "after",
    "What happens after somebody sent the form, and how soon?",
    "Said beside the button, it is the best reason to press it.",
)

_WAITLIST = (
    _ask("offer", "What will there be, in one sentence?", "It becomes the heading.", required=True),
    _ask("launch", "When does it start?", "A month is enough; a date that slips is worse than none."),
    _ask(
        "reward",
        "What do those on the list get: first access, a price, news?",
        "It is why they leave an address.",
        required=True,
    ),
    _ask(
        "fields",
        "What should the form ask besides the address?",
        "Each further field costs sign-ups.",
        type="choices",
        options=("nothing", "name", "one question"),
        default="nothing",
    ),
    _ask("reasons", "Which three things make it worth waiting for?", "They become the features.", type="list"),
)
_CONTACT = (
    _ask(
        "purpose", "What do people write about?", "Topics to choose from sort the messages.", type="list", required=True
    ),
    _ask("reply", "Who answers, and how soon?", "People write when they know who reads it."),
    _ask(
        "channels",
        "Should a telephone number or an address be shown?",
        "Some matters do not wait for mail.",
        type="list",
    ),
)
_EVENT = (
    _ask("what", "What happens there, in one sentence?", "It becomes the heading.", required=True),
    _ask(
        "when",
        "Which day, from when until when?",
        "With the weekday, it is easier to say yes.",
        type="date",
        required=True,
    ),
    _ask(
        "where",
        "Where is it, and how does one get there?",
        "Street and town, or the link when it is online.",
        required=True,
    ),
    _ask("price", "What does it cost?", "Free should be said, too."),
    _ask("programme", "What is the programme, with times and names?", "It becomes the schedule.", type="list"),
    _ask(
        "ask",
        "What do you need to know of each guest: how many, food, access?",
        "It becomes the form.",
        type="choices",
        options=("number of people", "sessions", "food", "access needs"),
        default="number of people",
    ),
    _ask("limit", "How many places are there?", "Say it in the text: the form does not count."),
)
_PORTFOLIO = (
    _ask("role", "What do you do, and where?", "It stands below the name.", required=True),
    _ask(
        "work",
        "Which three to six pieces, with year, a sentence and a link?",
        "The best first; people look at two.",
        type="list",
        required=True,
    ),
    _ask(
        "looking",
        "What would you like to be asked for?",
        "It decides what the contact form says.",
        type="choice",
        options=("projects", "a job", "commissions", "nothing in particular"),
        default="projects",
    ),
    _ask("profiles", "Which profiles should be linked?", "They go into the footer.", type="list"),
)
_SURVEY = (
    _ask("goal", "What will you decide with the answers?", "A question that decides nothing can go.", required=True),
    _ask(
        "questions",
        "What do you want to know?",
        "Five to seven questions are answered, fifteen are not.",
        type="list",
        required=True,
    ),
    _ask(
        "anonymous",
        "Are answers anonymous, or may people leave an address?",
        "It has to be said, and kept.",
        type="choice",
        options=("anonymous", "address if they like"),
        default="address if they like",
    ),
)
_LANDING = (
    _ask("offer", "What does it do, for whom, in one sentence?", "It becomes the heading.", required=True),
    _ask(
        "action",
        "What should visitors do?",
        "One thing: each button says the same.",
        type="choice",
        options=("sign up", "buy", "write", "book"),
        default="sign up",
        required=True,
    ),
    _ask(
        "reasons",
        "What are the three strongest reasons, as customers say it?",
        "They become the features.",
        type="list",
        required=True,
    ),
    _ask(
        "proof",
        "Which numbers or quotes are true and may be shown, with names?",
        "Never invented: the block is left out without them.",
        type="list",
    ),
    _ask("prices", "What does it cost?", "People look for it first; hiding it costs trust.", type="list"),
    _ask("questions", "What do people ask before they decide?", "They become the questions.", type="list"),
)
_RESTAURANT = (
    _ask("kitchen", "What is cooked, in one sentence?", "It becomes the heading.", required=True),
    _ask("hours", "When is it open, day by day?", "The most looked for on such a page.", type="list", required=True),
    _ask("address", "Where is it?", "Street and town, as a letter would have it.", required=True),
    _ask(
        "menu",
        "What is on the card, with prices?",
        "Ten good dishes are enough; a PDF is not read on a phone.",
        type="list",
    ),
    _ask(
        "booking",
        "How does one book: form, telephone, not at all?",
        "It decides the button.",
        type="choice",
        options=("form", "telephone", "no bookings"),
        default="form",
    ),
    _ask("phone", "Which telephone number?", "On a phone it is one tap."),
)
_LINKS = (
    _ask("role", "Who are you, in five words?", "It stands below the name.", required=True),
    _ask(
        "links",
        "Which links, the most important first?",
        "Four to eight; each with a few words.",
        type="list",
        required=True,
    ),
    _ask(
        "list",
        "Should people be able to leave an address?",
        "Followers can be lost with an account, addresses stay.",
        type="yes_no",
        default="no",
    ),
)
_NEWSLETTER = (
    _ask("topic", "What is it about, and for whom?", "It becomes the heading.", required=True),
    _ask("rhythm", "How often does it come?", "Whoever knows what comes stays longer.", required=True),
    _ask(
        "issues", "Which earlier issues show what it is like?", "Three titles say more than a description.", type="list"
    ),
)
_SERVICES = (
    _ask("work", "What do you do for people, and where?", "It becomes the heading.", required=True),
    _ask(
        "offers",
        "Which services, with prices or from which price?",
        "They become the list.",
        type="list",
        required=True,
    ),
    _ask("proof", "Since when, how often, who says so?", "Only what is true, with names.", type="list"),
    _ask(
        "booking",
        "How does one ask for a date?",
        "It decides the form.",
        type="choice",
        options=("form", "telephone"),
        default="form",
    ),
)
_OTHER = (
    _ask(
        "purpose",
        "What should visitors know or do when they leave?",
        "Everything else on the page follows from it.",
        required=True,
    ),
    _ask("content", "What has to be on it?", "It decides the blocks.", type="list", required=True),
    _ask(
        "form",
        "Should visitors send something: an address, a message, answers?",
        "It decides the form.",
        type="choice",
        options=("no", "address", "message", "answers"),
        default="no",
    ),
)

_KINDS: Final = (
    Kind(
        name="waitlist",
        about="A list for something that is not there yet",
        template="waitlist",
        styles=("nature", "midnight", "minimal"),
        blocks=("header", "hero", "waitlist_form", "features", "steps", "faq", "footer"),
        questions=_WAITLIST,
    ),
    Kind(
        name="landing",
        about="A product and one thing to do",
        template="landing",
        styles=("corporate", "midnight", "minimal"),
        blocks=("header", "hero", "logos", "features", "split", "pricing", "faq", "call_to_action", "footer"),
        questions=_LANDING,
    ),
    Kind(
        name="contact",
        about="A way to write to you",
        template="contact",
        styles=("warm", "minimal", "corporate"),
        blocks=("header", "hero", "contact_form", "details", "faq", "footer"),
        questions=_CONTACT,
    ),
    Kind(
        name="event",
        about="An event with signing up",
        template="event",
        styles=("editorial", "playful", "brutalist"),
        blocks=("header", "hero", "details", "schedule", "event_form", "faq", "footer"),
        questions=_EVENT,
    ),
    Kind(
        name="portfolio",
        about="A person's work",
        template="portfolio",
        styles=("brutalist", "editorial", "minimal"),
        blocks=("header", "hero", "projects", "text", "contact_form", "footer"),
        questions=_PORTFOLIO,
    ),
    Kind(
        name="survey",
        about="Questions to customers, guests, or a team",
        template="survey",
        styles=("playful", "blueprint", "minimal"),
        blocks=("hero", "survey_form", "footer"),
        questions=_SURVEY,
    ),
    Kind(
        name="restaurant",
        about="A place to eat or drink",
        template="restaurant",
        styles=("noir", "warm", "editorial"),
        blocks=("header", "hero", "menu", "gallery", "hours", "form", "footer"),
        questions=_RESTAURANT,
    ),
    Kind(
        name="links",
        about="Link in bio: a person and their links",
        template="links",
        styles=("playful", "warm", "minimal"),
        blocks=("profile", "links", "waitlist_form", "footer"),
        questions=_LINKS,
    ),
    Kind(
        name="newsletter",
        about="A letter by mail",
        template="newsletter",
        styles=("editorial", "minimal", "nature"),
        blocks=("header", "hero", "waitlist_form", "features", "testimonials", "footer"),
        questions=_NEWSLETTER,
    ),
    Kind(
        name="services",
        about="A craft or a practice with prices",
        template="services",
        styles=("corporate", "warm", "nature"),
        blocks=("header", "hero", "menu", "steps", "testimonials", "contact_form", "footer"),
        questions=_SERVICES,
    ),
)
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _KINDS}
_OTHER_NAMES: Final = {
    "link in bio": "links",
    "link-in-bio": "links",
    "bio": "links",
    "feedback": "survey",
    "product": "landing",
    "saas": "landing",
    "startup": "landing",
    "cafe": "restaurant",
    "bar": "restaurant",
    "cv": "portfolio",
    "resume": "portfolio",
    "rsvp": "event",
    "wedding": "event",
    "signup": "event",
    "coming soon": "waitlist",
    "launch": "waitlist",
    "business": "services",
    "salon": "services",
}


def gather(kind: str) -> dict[str, Any]:
    """Return what to ask for a kind of page, and with what to build it. An unknown kind gets the general questions."""
    wanted = kind.strip().lower()
    found = KINDS.get(_OTHER_NAMES.get(wanted, wanted))
    own = found.questions if found else _OTHER
    asked = (_NAME, *own, _AUDIENCE, *((_IMAGES,) if wanted not in {"survey"} else ()), _NOTIFY, _EMAIL, _STYLE, _LANG)
    answer: dict[str, Any] = {
        "kind": found.name if found else "other",
        "questions": [question.as_json() for question in asked],
        "template": found.template if found else None,
        "styles": list(found.styles if found else ("minimal", "warm", "corporate")),
        "blocks": list(found.blocks if found else ("header", "hero", "text", "features", "contact_form", "footer")),
        "next": "Ask what is required and not known yet, all at once; take the defaults for the rest. Then use_template or compose_page.",
    }
    if not found:
        answer["kinds"] = {each.name: each.about for each in _KINDS}
        answer["note"] = f"'{kind.strip()[:60]}' is no kind of its own{nearest(wanted, KINDS)}"
    return answer
