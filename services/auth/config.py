"""The auth service's own settings."""

from pydantic import Field

from shared.config import BaseConfig, Origin


class Config(BaseConfig):
    """What auth reads beside the common settings."""

    #: deploy's internal port, asked for an account's usage.
    deploy_internal_url: Origin
    #: Mails with codes an hour, over all addresses and replicas: what a flood may cost us and our name.
    login_mails_per_hour: int = Field(default=5000, ge=1)
