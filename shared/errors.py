"""Every error a caller can get: a class each with its status, stable code and text, and one way to show them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar


class AppError(Exception):
    """An error that is meant for the caller.

    A subclass sets `status`, `code` and `message`; an instance may replace the message and hint.
    `error` in the answer is the message, word for word.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    message: str = "Internal error"
    hint: str | None = None
    #: Seconds; sent as `Retry-After`. Every 429 and 503 has one.
    retry_after: float | None = None

    #: What programs need to know beside the code; joins the error object.
    details: Mapping[str, Any] = MappingProxyType({})

    def __init__(
        self,
        message: str | None = None,
        *,
        hint: str | None = None,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message or self.message)
        if message is not None:
            self.message = message
        if hint is not None:
            self.hint = hint
        if retry_after is not None:
            self.retry_after = retry_after
        if details is not None:
            self.details = details

    def body(self, request_id: str) -> dict[str, Any]:
        """Return the error object of the API."""
        body = {"error": self.message, "code": self.code, "request_id": request_id}
        if self.hint:
            body["hint"] = self.hint
        # people read from the top
        return body | {**self.details, **body}


class BadRequest(AppError):
    """The request cannot be read."""

    status = 400
    code = "bad_request"
    message = "The request cannot be read"


class Unreadable(BadRequest):
    """The body's bytes are not what its headers say: nothing after them on the connection can be read either."""

    message = "The body is incomplete or wrongly encoded"


class Unauthorized(AppError):
    """No credential where one is needed, or one that is malformed, unknown, expired or revoked."""

    status = 401
    code = "unauthorized"
    message = "Unauthorized"
    hint = "Send a key as 'Authorization: Bearer inv_…'. Create one in the dashboard or log in again."


class Forbidden(AppError):
    """The caller is known and may not do this."""

    status = 403
    code = "forbidden"
    message = "Forbidden"


class NotFound(AppError):
    """Nothing is here, or nothing that this caller may see."""

    status = 404
    code = "not_found"
    message = "Not found"


class MethodNotAllowed(AppError):
    """The path exists with other methods."""

    status = 405
    code = "method_not_allowed"
    message = "Method not allowed"


class Timeout(AppError):
    """The request's bytes did not arrive in time."""

    status = 408
    code = "request_timeout"
    message = "The request took too long to arrive"


class Conflict(AppError):
    """The state of the thing does not allow this now."""

    status = 409
    code = "conflict"
    message = "Conflict"


class Gone(AppError):
    """It was here and will not come back."""

    status = 410
    code = "gone"
    message = "Gone"


class TooLarge(AppError):
    """More bytes or fields than this route takes."""

    status = 413
    code = "too_large"
    message = "The request is too large"


class UnsupportedMediaType(AppError):
    """A content type or coding that this route cannot read."""

    status = 415
    code = "unsupported_media_type"
    message = "This content type cannot be read"


class UnknownHost(AppError):
    """The request names a host that is not served here."""

    status = 421
    code = "unknown_host"
    message = "This host is not served here"


class Invalid(AppError):
    """JSON of the wrong shape, type or size of list."""

    status = 422
    code = "invalid"
    message = "The body does not have the expected form"


class RateLimited(AppError):
    """More requests than the limit; always with `retry_after`."""

    status = 429
    code = "rate_limited"
    message = "Rate limit exceeded"
    retry_after = 60.0


class Unavailable(AppError):
    """Something that the answer needs cannot be reached right now; nothing was changed."""

    status = 503
    code = "unavailable"
    message = "Temporarily unavailable"
    hint = "Nothing was changed. Try again in a moment."
    retry_after = 1.0


class DeadlineExceeded(AppError):
    """The route's wall-clock deadline passed."""

    status = 504
    code = "deadline_exceeded"
    message = "The request took too long"
    hint = "It may or may not have been carried out. Look before you repeat it."
    retry_after = 1.0
