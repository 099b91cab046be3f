"""The auth service's own settings."""

from shared.config import BaseConfig, Origin


class Config(BaseConfig):
    """What auth reads beside the common settings."""

    #: deploy's internal port, asked for an account's usage.
    deploy_internal_url: Origin
