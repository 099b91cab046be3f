"""Settings of the one-command mode: a port and a directory; everything else follows from them."""

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Config(BaseSettings):
    """`INVOKER_PORT` and `INVOKER_DATA_DIR`; two runs with different values live side by side."""

    model_config = SettingsConfigDict(env_prefix="INVOKER_", frozen=True, extra="ignore", env_ignore_empty=True)

    port: int = Field(default=8080, ge=1, le=65535)
    data_dir: Path = Path(".invoker")


def default_urls(port: int) -> None:
    """Set the three origins for this port where the environment does not name others."""
    app = os.environ.setdefault("INVOKER_APP_URL", f"http://localhost:{port}")
    os.environ.setdefault("INVOKER_API_URL", f"{app}/api")
    os.environ.setdefault("INVOKER_SITES_URL", f"http://{{slug}}.sites.localhost:{port}")
