"""Exit codes: what a script can tell apart."""

from invoker_mcp.errors import ApiError, ClientError, NotLoggedIn, Unreachable

OK = 0
REFUSED = 1
USAGE = 2
NOT_LOGGED_IN = 3
UNREACHABLE = 4
CONFLICT = 5
INTERRUPTED = 130

TOLD = (
    "Exit codes: 0 it worked, 1 the API (or this machine) said no, 2 the command makes no sense, 3 not logged in, "
    "4 the API cannot be reached, 5 a conflict or a limit, 130 interrupted."
)

LIMITS = {"limit_reached", "storage_limit_reached", "too_many_keys"}


class Usage(ClientError):
    """The command makes no sense as it was given."""


def of(error: ClientError) -> int:
    """Return the exit code of an error."""
    if isinstance(error, Usage):
        return USAGE
    if isinstance(error, NotLoggedIn):
        return NOT_LOGGED_IN
    if isinstance(error, Unreachable):
        return UNREACHABLE
    if isinstance(error, ApiError):
        if error.status in {502, 503, 504}:
            return UNREACHABLE
        if error.status in {409, 429} or error.code in LIMITS:
            return CONFLICT
        if error.status == 401:
            return NOT_LOGGED_IN
    return REFUSED
