"""Settings that every service shares: from the environment, frozen, secrets unprintable."""

import sys
from ipaddress import ip_address
from typing import Annotated, Any, TypeVar

import pydantic
from pydantic import BaseModel, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from yarl import URL

C = TypeVar("C", bound=BaseSettings)

#: An absolute http or https URL; kept without a trailing slash.
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+(/[^\s?#]*)?$", strip_whitespace=True)]


class Plan(BaseModel, frozen=True):
    """What an account on this plan may have."""

    deployments: int = Field(ge=0)
    #: Bytes of all its sites' files together, each counted once for each site.
    storage: int = Field(default=1024**3, ge=0)


class BaseConfig(BaseSettings):
    """What every service reads; a service's own `Config` adds to it.

    Values come from the environment alone (`INVOKER_` and the field's name in capitals); construct through `load`.
    """

    model_config = SettingsConfigDict(env_prefix="INVOKER_", frozen=True, extra="ignore", hide_input_in_errors=True)

    app_url: Origin = "http://localhost:8080"
    api_url: Origin = "http://localhost:8080/api"
    #: Read before `sites_url`, which is judged by it.
    allow_shared_site_domain: bool = False
    #: Holds `{slug}`, which a site's name replaces.
    sites_url: Origin = "http://{slug}.sites.localhost:8080"

    database_url: SecretStr
    database_pool_size: int = Field(default=8, ge=1, le=100)
    amqp_url: SecretStr = SecretStr("")
    #: First part of the names of exchanges and queues: systems that share a broker differ in it.
    amqp_prefix: str = Field(default="invoker", pattern=r"^[A-Za-z0-9._-]{1,40}$")
    #: Shared by the services; sent to internal ports.
    service_token: SecretStr = Field(min_length=16)

    #: Public and internal listener. The gateway never routes to the internal one.
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    internal_host: str = "127.0.0.1"
    internal_port: int = Field(default=8081, ge=0, le=65535)
    #: How many proxies in front are ours: that many entries of X-Forwarded-For, counted from the right, are believed.
    trusted_proxies: int = Field(default=0, ge=0, le=8)

    rate_limits: bool = True
    #: JSON: plan name to its limits.
    plans: Annotated[dict[str, Plan], NoDecode] = {"free": Plan(deployments=5)}

    @pydantic.field_validator("app_url", "api_url", "sites_url", mode="after")
    @classmethod
    def _no_trailing_slash(cls, url: str) -> str:
        try:
            host = URL(url.replace("{slug}", "x")).host
        except ValueError:
            host = None
        if not host:
            raise ValueError("is not a valid URL")
        return url.rstrip("/")

    @pydantic.field_validator("sites_url", mode="after")
    @classmethod
    def _has_slug(cls, url: str) -> str:
        if not url.split("://", 1)[1].split("/", 1)[0].startswith("{slug}."):
            raise ValueError("must have {slug} as the first label of its host, and more labels after it")
        return url

    @pydantic.field_validator("sites_url", mode="after")
    @classmethod
    def _on_a_domain_of_its_own(cls, url: str, info: pydantic.ValidationInfo) -> str:
        if not info.data.get("allow_shared_site_domain"):
            ours = {registrable(info.data[name]) for name in ("app_url", "api_url") if name in info.data}
            theirs = registrable(url.replace("{slug}", "x"))
            if theirs is not None and theirs in ours:
                raise ValueError(
                    f"must be on another domain than app and API: users' pages on {theirs} could set its cookies, and a"
                    " warning about one would cover all. INVOKER_ALLOW_SHARED_SITE_DOMAIN=1 takes that risk"
                )
        return url

    @pydantic.field_validator("plans", mode="after")
    @classmethod
    def _has_free(cls, plans: dict[str, Plan]) -> dict[str, Plan]:
        if "free" not in plans:
            raise ValueError("must have the plan 'free': it is every new account's")
        return plans

    @pydantic.field_validator("rate_limits", mode="before")
    @classmethod
    def _on_off(cls, value: Any) -> Any:
        return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value

    @pydantic.field_validator("plans", mode="before")
    @classmethod
    def _json(cls, value: Any) -> Any:
        return pydantic.TypeAdapter(dict[str, Plan]).validate_json(value) if isinstance(value, str) else value

    def plan(self, name: str) -> Plan:
        """Return what an account on this plan may have; a plan that is not configured is the free one."""
        return self.plans.get(name) or self.plans["free"]

    def site_url(self, slug: str) -> str:
        """Return where a site is served, without a trailing slash."""
        return self.sites_url.replace("{slug}", slug)

    @property
    def site_suffix(self) -> str:
        """What follows a slug in a site's Host header, without the port: `.sites.localhost`."""
        host = URL(self.sites_url.replace("{slug}", "x")).host or ""
        return host[1:]


def registrable(url: str) -> str | None:
    """Return the domain that a registrar sold for this URL's host, by the Public Suffix List.

    None for hosts that nobody sells: this machine's names and addresses.
    """
    host = (URL(url).host or "").lower().removesuffix(".")
    if host == "localhost" or host.endswith(".localhost") or _is_address(host):
        return None
    # costs more than all the rest of a start, and few starts need it
    import tldextract

    # the list that the package brings: a start asks nobody
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
    parts = extract(host)
    # a suffix that the list does not know is its last label
    return parts.top_domain_under_public_suffix or ".".join(host.split(".")[-2:] if not parts.suffix else [host])


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def load(cls: type[C], **values: Any) -> C:
    """Read the configuration, or end the process with a line for each variable that is missing or wrong.

    `values` stand instead of the environment's. What is wrong is not shown: it may be a secret.
    """
    try:
        return cls(**values)
    except pydantic.ValidationError as error:
        for problem in error.errors(include_input=False, include_url=False):
            where = "_".join(str(part) for part in problem["loc"][:1]).upper()
            text = "is required and not set" if problem["type"] == "missing" else problem["msg"]
            text = text.removeprefix("Value error, ")
            print(f"configuration: {'INVOKER_' + where if where else 'settings'}: {text}", file=sys.stderr)  # noqa: T201 - before there is a log
        raise SystemExit(78) from None  # EX_CONFIG of sysexits.h
