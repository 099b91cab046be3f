"""What a deployment is to its owner, its versions, and every reason for which something cannot be done to one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from shared.errors import Conflict, Forbidden, Invalid, NotFound

#: For how long a deleted one can be restored, and its name is kept from others.
RESTORE: Final = timedelta(days=7)
NAME_REST: Final = timedelta(days=90)
#: How long an anonymous one stays without being claimed.
ANONYMOUS_LIFE: Final = timedelta(hours=24)
#: How old an account is before its pages may ask for passwords and cards (R73).
YOUNG: Final = timedelta(hours=24)
#: For how long visitors' browsers are told to forget what a reused name's former holder left in them.
CLEARING: Final = timedelta(days=1)


class DeploymentNotFound(NotFound):
    """No such deployment, or somebody else's."""

    code = "deployment_not_found"
    message = "Deployment not found"


class VersionNotFound(NotFound):
    """The deployment has no version of this number."""

    code = "version_not_found"
    message = "Version not found"


class BlobNotNamed(NotFound):
    """Bytes were sent that no version of the site waits for."""

    code = "blob_not_named"
    message = "No version of this site names these bytes"
    hint = "Name the file with its sha256 and size in 'files' first; the answer says what is missing."


class LimitReached(Forbidden):
    """The account's plan has no room for another active deployment."""

    code = "limit_reached"
    message = "Deployment limit reached. Delete an existing deployment or upgrade your plan."


class StorageFull(Forbidden):
    """The account's plan has no room for the files."""

    code = "storage_limit_reached"
    message = "Storage limit reached"
    hint = (
        "Delete a site that is not needed any more, or upgrade your plan. What is deleted counts for seven more days."
    )


class KeyBoundToSite(Forbidden):
    """The key is for one site, and this would make another."""

    code = "key_bound_to_site"
    message = "This key is bound to one site"
    hint = "Use a key that is not bound to a site to make a new one."


class ClaimFirst(Forbidden):
    """A claim token was sent for what only an owner may do."""

    code = "claim_first"
    message = "Only an owner may do this, and the site has none yet"
    hint = "Log in and claim the site by its claim_url; then do this with your key."


class TakenDown(Forbidden):
    """The operator has taken the site down."""

    code = "taken_down"
    message = "This site was taken down"


class Held(Forbidden):
    """A page asks for secrets, and whoever publishes it is not known long enough (R73)."""

    code = "held_for_review"
    message = "This page asks for passwords or card numbers"


class SlugTaken(Conflict):
    """Another site has the name, or had it."""

    code = "slug_taken"
    message = "This slug is already taken"
    hint = "Choose another one, or leave it out and get a random one."


class VersionConflict(Conflict):
    """The live version is not the one that the caller has seen."""

    code = "version_conflict"
    message = "Another version is live by now"

    def __init__(self, live: int | None) -> None:
        super().__init__(
            hint="Look at the live version, and repeat the change on it with its number as 'if_version'.",
            details={"live_version": live},
        )


class IncompleteVersion(Conflict):
    """Bytes are missing that the version names."""

    code = "incomplete_version"
    message = "Files of this version are missing"

    def __init__(self, missing: list[str]) -> None:
        super().__init__(
            hint="Send each with PUT /deploy/{id}/blobs/{sha256}, then publish again.", details={"missing": missing}
        )


class AlreadyClaimed(Conflict):
    """The anonymous site has an owner by now."""

    code = "already_claimed"
    message = "This site was claimed already"


class NotRestorable(Conflict):
    """The deployment is not deleted."""

    code = "not_deleted"
    message = "This deployment is not deleted"


class WrongSize(Invalid):
    """A file named by its digest has another size than stated."""

    code = "size_mismatch"


class DigestMismatch(Invalid):
    """The bytes are not those that the address names."""

    code = "digest_mismatch"
    message = "The bytes do not have this SHA-256"
    hint = "The address names the lowercase hex SHA-256 of the body, as it is before any content coding."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A deployment as its owner sees it."""

    id: str
    slug: str
    #: Null while nothing was published.
    version: int | None
    settings: Mapping[str, Any]
    files: int
    size: int
    submissions: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None
    password_set: bool
    taken_down_why: str | None
    deleted_at: datetime | None

    @property
    def status(self) -> str:
        """What it is in one word."""
        if self.deleted_at is not None:
            return "deleted"
        if self.taken_down_why is not None:
            return "taken_down"
        return "active" if self.version is not None else "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version, as the owner's list has it."""

    number: int
    created_at: datetime
    created_by: str
    files: int
    size: int
    title: str | None
    ready: bool
    missing: int
    live: bool
    #: When it went live last; null when it never did.
    published_at: datetime | None
