"""Who may do what: auth and deploy together, every operation of their descriptions asked by every kind of caller."""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from shared import credentials, ids, openapi
from shared.config import Plan
from tests.support.auth import OWN_PAGE, Auth
from tests.support.client import Answer
from tests.support.together import together

SCOPES: Final = ("full", "deploy", "read", "submissions", "webhooks", "keys")
IMPLIED: Final = {"full": set(SCOPES), "deploy": {"read"}, "webhooks": {"read"}}
METHODS: Final = frozenset({"get", "post", "put", "patch", "delete"})
#: Where an empty object would not do; what ends in a 422 has been let in all the same.
BODIES: Final = {
    "createDeployment": {"html": "<p>x"},
    "replaceDeployment": {"html": "<p>y"},
    "renameKey": {"name": "x"},
    "revokeAll": {"keep_current": True},
    "deleteAccount": {"confirm": "not the address"},
    "editDeployment": {"edits": [{"path": "index.html", "find": "x", "replace": "y"}]},
    "publishVersion": {"version": 1},
    "changeSettings": {"title": "x"},
    "addDomain": {"domain": "www.example.org"},
    "markSubmission": {"read": True},
    "markSubmissions": {"ids": ["sub_0000000000000000"], "read": True},
    "deleteSubmissions": {"status": "test"},
    "testForm": {"wait": 0},
    "addWebhook": {"url": "http://127.0.0.1:1999/"},
    "changeWebhook": {"active": True},
    "addRecipient": {"email": "grace@example.org"},
}
#: What is in the paths of sites beside their ids: a domain that they have, and a file that they wait for.
DOMAIN: Final = "www.example.com"
WAITED_FOR: Final = b"{}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of a description, and the scope that it says it needs."""

    service: str
    name: str
    method: str
    path: str
    scope: str
    #: Whether nobody may do it too, and the holder of an anonymous site's claim token.
    open: bool = False
    claim: bool = False

    @property
    def site(self) -> bool:
        """Whether its path names a site."""
        return self.service == "deploy" and "{" in self.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A kind of caller; the owner's key unless it says otherwise."""

    name: str
    scopes: tuple[str, ...] = ("full",)
    kind: str = "key"
    expired: bool = False
    foreign: bool = False
    #: "own" or "other": which site the key is bound to.
    bound: str = ""

    def expected(self, operation: Operation) -> str:
        """Return what has to come of it: `in`, `404`, `401`, or the code of a 403."""
        if self.kind == "none":
            return "in" if operation.open else "401"
        if self.kind == "claim":
            return self._expected_of_token(operation)
        if self.expired:
            return "401"
        if self.kind == "session":
            return "in"
        if operation.scope == "session":
            return "session_required"
        if operation.scope != "any" and not may(self.scopes, operation.scope):
            return "missing_scope"
        if self.bound and operation.scope != "any":
            return self._expected_bound(operation)
        return "404" if self.foreign and "{" in operation.path else "in"

    def _expected_of_token(self, operation: Operation) -> str:
        if operation.service == "auth":
            return "401"
        if not operation.claim:
            # whoever tries is told what to do first
            return "claim_first"
        return "404" if operation.site and self.bound == "other" else "in"

    def _expected_bound(self, operation: Operation) -> str:
        if operation.service == "auth":
            return "bound_to_site"
        if operation.site:
            return "in" if self.bound == "own" else "404"
        return "key_bound_to_site" if operation.method == "POST" else "in"


def may(scopes: Iterable[str], scope: str) -> bool:
    """Tell whether scopes include one, by themselves or by what they imply."""
    return any(scope == each or scope in IMPLIED.get(each, ()) for each in scopes)


COLUMNS: Final = (
    *(Column(name=scope, scopes=(scope,)) for scope in SCOPES),
    Column(name="browser", kind="session"),
    Column(name="nobody", kind="none"),
    Column(name="expired", expired=True),
    Column(name="stranger", foreign=True),
    Column(name="bound", bound="own"),
    Column(name="bound elsewhere", bound="other"),
    Column(name="claim token", kind="claim", bound="own"),
    Column(name="another's claim token", kind="claim", bound="other"),
)


def operations(service: str) -> list[Operation]:
    """Return a service's operations that need a credential. What needs none says so with `security: []`."""
    found = []
    for path, item in openapi.load(service)["paths"].items():
        for method in METHODS & item.keys():
            described = item[method]
            if described.get("security") == []:
                continue
            name, accepted = described["operationId"], described.get("security", ())
            assert "x-scope" in described, f"{name} does not say what it needs"
            found.append(
                Operation(
                    service=service, name=name, method=method.upper(), path=path, scope=described["x-scope"],
                    open={} in accepted, claim={"claim": []} in accepted,
                )
            )  # fmt: skip
    return sorted(found, key=lambda operation: operation.name)


@dataclass(slots=True, kw_only=True)
class World:
    """Both services, an owner and a stranger."""

    auth: Auth
    deploy_url: str
    owner: str
    stranger: str
    #: What else paths have in them, of the site that was made last.
    known: dict[str, str] = field(default_factory=dict)

    async def wrong_cells(self, of: Iterable[Operation]) -> list[str]:
        """Ask everything as everybody, and return what came out otherwise than it has to."""
        wrong = []
        for operation in of:
            for column in COLUMNS:
                expected, found = column.expected(operation), await self.ask(operation, column)
                if found != expected:
                    wrong.append(f"{operation.name} as {column.name}: {found} instead of {expected}")
        return wrong

    async def ask(self, operation: Operation, column: Column) -> str:
        """Return what comes of an operation on something of the owner's, made for this, with a fresh credential."""
        target, token = await self._target(operation, column)
        site = {"own": target if operation.site else "my-site", "other": "another-site"}.get(column.bound)
        headers = {"Authorization": f"Bearer {token}"} if token else await self._credential(column, site)
        path = operation.path.replace("{domain}", DOMAIN).replace("{sha256}", hashlib.sha256(WAITED_FOR).hexdigest())
        if "{submissionId}" in path:
            path = await self._with_submission(path, target)
        if operation.name == "streamSubmissions":
            # as short as it may be
            path += "?seconds=1"
        for name, known in self.known.items():
            path = path.replace(f"{{{name}}}", known)
        # the account's own address is every site's
        path = path.replace("{recipient}", f"rcp_{target[4:]}")
        path = re.sub(r"\{[^}]*\}", target, path)
        url = self.auth.url if operation.service == "auth" else self.deploy_url
        body = None if operation.method == "GET" else BODIES.get(operation.name, {})
        if operation.name == "claimDeployment":
            site_to_claim = await self._anonymous()
            body = {"slug": site_to_claim["slug"], "token": site_to_claim["claim_token"]}
        answer = await self.auth.call(operation.method, url + path, headers=headers, json=body)
        if column.foreign and self.owner in answer.text:
            return f"a stranger reads about the owner: {answer.text}"
        return outcome(answer)

    async def _credential(self, column: Column, site: str | None) -> dict[str, str]:
        """Write a credential into auth's tables, and return the headers of who has it."""
        account = self.stranger if column.foreign else self.owner
        if column.kind == "none":
            return {}
        if column.kind == "session":
            cookie = f"ses_{ids.random_base62(43)}"
            await self._add_session(account, credentials.digest(cookie))
            return {"Cookie": f"invoker_session={cookie}", **OWN_PAGE}
        key = credentials.mint()
        await self._add_key(account, credentials.digest(key), column.scopes, site=site, expired=column.expired)
        return {"Authorization": f"Bearer {key}"}

    async def _target(self, operation: Operation, column: Column) -> tuple[str, str | None]:
        """Make something of the owner's for the operation's path, and return its id; with a claim token where asked."""
        if column.kind == "claim":
            own, other = await self._anonymous(), await self._anonymous()
            return own["id"], (own if column.bound == "own" else other)["claim_token"]
        if "{" not in operation.path:
            return "", None
        if operation.site:
            headers = await self._credential(COLUMNS[0], None)
            made = await self.auth.call("POST", f"{self.deploy_url}/deploy", headers=headers, json={"html": "x"})
            url = f"{self.deploy_url}/deploy/{made.json['id']}"
            await self._prepare(url, headers)
            if "{domain}" in operation.path:
                await self.auth.call("POST", f"{url}/domains", headers=headers, json={"domain": DOMAIN})
            if "{webhookId}" in operation.path:
                await self._add_webhook(made.json["id"], headers)
            return str(made.json["id"]), None
        digest = credentials.digest(credentials.mint())
        if operation.path.startswith("/auth/sessions"):
            return await self._add_session(self.owner, digest), None
        # with no more than a key for keys has, or that one could not rotate it
        return await self._add_key(self.owner, digest, ("keys",)), None

    async def _with_submission(self, path: str, site: str) -> str:
        """Have a submission with an empty file at a site, and return the path with their ids."""
        sent = await self.auth.call("POST", f"{self.deploy_url}/submit/{site}", json={"a": "b"})
        submission, file = sent.json["id"], ids.new_id("fil")
        await self.auth.db.execute(
            "INSERT INTO deploy.uploads (id, deployment_id, submission_id, blob, name, type, size)"
            " VALUES ($1, $2, $3, 'none', 'a.txt', 'text/plain', 0)",
            file, site, submission,
        )  # fmt: skip
        return path.replace("{submissionId}", submission).replace("{fileId}", file)

    async def _anonymous(self) -> dict[str, Any]:
        """Make a site that is nobody's yet."""
        made: dict[str, Any] = (
            await self.auth.call("POST", f"{self.deploy_url}/deploy", headers={}, json={"html": "x"})
        ).json
        url = f"{self.deploy_url}/deploy/{made['id']}"
        await self._prepare(url, {"Authorization": f"Bearer {made['claim_token']}"})
        return made

    async def _prepare(self, url: str, headers: dict[str, str]) -> None:
        """Have a site wait for a file."""
        file = {"path": "a.txt", "sha256": hashlib.sha256(WAITED_FOR).hexdigest(), "size": len(WAITED_FOR)}
        await self.auth.call("PUT", url, headers=headers, json={"files": [file]})

    async def _add_webhook(self, site: str, headers: dict[str, str]) -> None:
        """Give a site a webhook, and a delivery to it, which nobody takes."""
        body, url = BODIES["addWebhook"], f"{self.deploy_url}/webhooks/{site}"
        self.known["webhookId"] = (await self.auth.call("POST", url, headers=headers, json=body)).json["id"]
        await self.auth.call("POST", f"{self.deploy_url}/submit/{site}", headers={}, json={})
        listed = await self.auth.call("GET", f"{url}/{self.known['webhookId']}/deliveries", headers=headers)
        self.known["deliveryId"] = listed.json["deliveries"][0]["delivery_id"]

    async def _add_session(self, account: str, digest: str) -> str:
        session_id = ids.new_id("ses")
        await self.auth.db.execute(
            "INSERT INTO sessions (id, account_id, digest, expires_at) VALUES ($1, $2, $3, now() + interval '1 hour')",
            session_id, account, digest,
        )  # fmt: skip
        return session_id

    async def _add_key(
        self, account: str, digest: str, scopes: tuple[str, ...], *, site: str | None = None, expired: bool = False
    ) -> str:
        key_id = ids.new_id("key")
        await self.auth.db.execute(
            "INSERT INTO keys (id, account_id, digest, name, hint, scopes, site, created_via, expires_at)"
            " VALUES ($1, $2, $3, 'made for ' || $2, '', $4, $5, 'api', CASE WHEN $6 THEN now() END)",
            key_id, account, digest, list(scopes), site, expired,
        )  # fmt: skip
        return key_id


def outcome(answer: Answer) -> str:
    """Say in a word what an answer means for who asked."""
    if answer.status == 403:
        return str(answer.json["code"])
    return str(answer.status) if answer.status in {401, 404} or answer.status >= 500 else "in"


@asynccontextmanager
async def world(database_url: str, blobs: Path) -> AsyncIterator[World]:
    """Run auth and deploy, with two accounts that have room for many sites."""
    async with together(database_url, blobs, plans={"free": Plan(deployments=10_000)}, rate_limits=False) as both:
        auth = both.auth
        owner, stranger = ids.new_id("acc"), ids.new_id("acc")
        for account in (owner, stranger):
            await auth.db.execute("INSERT INTO accounts (id, email) VALUES ($1, $1 || '@example.com')", account)
        yield World(auth=auth, deploy_url=both.deploy.url, owner=owner, stranger=stranger)
