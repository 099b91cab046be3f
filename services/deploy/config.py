"""Settings of the deploy service, beside what every service reads."""

from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic
from pydantic import Field, SecretStr
from pydantic_settings import NoDecode

from shared.config import BaseConfig, Origin


class Config(BaseConfig):
    """`INVOKER_AUTH_INTERNAL_URL` and what follows here, and the shared ones."""

    #: auth's internal port.
    auth_internal_url: Origin = "http://127.0.0.1:8081"
    #: Where the files' bytes are: a directory (`file:///…`), or a bucket (`s3://…`, `gs://…`, `az://…`).
    blobs_url: str = Field(default_factory=lambda: Path(".invoker/blobs").absolute().as_uri(), pattern=r"^[a-z0-9]+://")
    #: Where other replicas reach this one's internal port; empty: its own address.
    internal_advertise_url: Origin | Literal[""] = ""
    #: The gateways' internal listeners, with commas between them: told of every change before it is answered.
    gateway_urls: Annotated[tuple[Origin, ...], NoDecode] = ()
    #: Seconds for which a CDN may keep pages of sites; 0: there is none.
    cdn_max_age: int = Field(default=0, ge=0, le=31_536_000)
    #: Is sent `{"hosts": […]}` when these hosts' pages changed, with the token as bearer.
    cdn_purge_url: Origin | Literal[""] = ""
    cdn_purge_token: SecretStr = SecretStr("")

    @pydantic.field_validator("gateway_urls", mode="before")
    @classmethod
    def _with_commas(cls, value: Any) -> Any:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value
