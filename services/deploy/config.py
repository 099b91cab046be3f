"""Settings of the deploy service, beside what every service reads."""

from pathlib import Path

from pydantic import Field

from shared.config import BaseConfig, Origin


class Config(BaseConfig):
    """`INVOKER_AUTH_INTERNAL_URL` and `INVOKER_BLOBS_URL`, and the shared ones."""

    #: auth's internal port.
    auth_internal_url: Origin = "http://127.0.0.1:8081"
    #: Where the files' bytes are: a directory (`file:///…`), or a bucket (`s3://…`, `gs://…`, `az://…`).
    blobs_url: str = Field(default_factory=lambda: Path(".invoker/blobs").absolute().as_uri(), pattern=r"^[a-z0-9]+://")
    #: Seconds for which a CDN in front may keep pages, when it is told of changes; 0 says nothing to it.
    cdn_max_age: int = Field(default=0, ge=0, le=31_536_000)
