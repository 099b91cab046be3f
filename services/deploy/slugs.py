"""Names of sites: which are allowed, which are kept back, and how one is invented. Pure functions."""

import re
import secrets
from typing import Final

from shared.errors import BadRequest

_FORM: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
#: `{slug}--v{N}` is the address of version N.
_VERSION: Final = re.compile(r"--v[0-9]+$")

#: Names that visitors would take for ours, or that mail and browsers treat as ours; not what people call their sites.
_RESERVED: Final = """
    account accounts admin administrator api app apps assets auth autoconfig autodiscover billing cdn console
    dashboard dns docs email ftp gateway help host hostmaster imap internal invoker isatap localhost login logout mail
    mailbox mailer mcp mx ns ns1 ns2 oauth pay payment payments pop pop3 postmaster register root s secure security
    settings signin signup site sites smtp sso staging static status support sysadmin tls verify webhook webhooks
    webmaster webmail wpad www
"""
RESERVED: Final = frozenset(_RESERVED.split())

#: No vowels and nothing that is mistaken for something else: no words arise by chance.
_ALPHABET: Final = "bcdfghjkmnpqrstvwxz23456789"
_LENGTH: Final = 9


class BadSlug(BadRequest):
    """The name cannot be a site's."""

    code = "bad_slug"
    message = "This slug is not allowed"


def well_formed(slug: str) -> bool:
    """Tell whether a site may have this name, as far as its form goes."""
    return _FORM.fullmatch(slug) is not None and not slug.startswith("xn--") and not _VERSION.search(slug)


def check(slug: str) -> str:
    """Return `slug`. Raise BadSlug when it has not the form of one, or is reserved."""
    if not well_formed(slug):
        raise BadSlug(
            hint="1 to 63 lowercase letters, digits and hyphens, no hyphen at either end;"
            " not beginning with 'xn--', not ending in '--v' and digits."
        )
    if slug in RESERVED:
        raise BadSlug("This slug is reserved", hint="Choose another one, or leave it out and get a random one.")
    return slug


def invent() -> str:
    """Return a random name, 10^12 possible ones."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
