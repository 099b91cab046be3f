"""One marked submission through every hop of a site's form, each timed."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from services.deploy import fields, samples, traces
from services.deploy.deployments import DeploymentNotFound, TakenDown, VersionNotFound
from services.deploy.fields import Sent
from services.deploy.intake import Intake
from services.deploy.live import LiveSites
from services.deploy.service.inbox import Inbox
from services.deploy.store.sites import Site
from services.deploy.traces import Hop
from shared.auth_client import Caller
from shared.errors import Invalid

#: Seconds that the hops are waited for at most, and between two looks.
PATIENCE: Final = 10
EVERY: Final = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What became of a test."""

    id: str
    hops: Sequence[Hop]
    #: Whether nothing is still to come.
    complete: bool


class Trials:
    """Tries forms out; one per process."""

    def __init__(self, inbox: Inbox, intake: Intake, live: LiveSites) -> None:
        self._inbox = inbox
        self._intake = intake
        self._live = live

    async def run(
        self, caller: Caller, deployment_id: str, *, form: str | None, data: Mapping[str, Any] | None, seconds: float
    ) -> Tried:
        """Send a test through a form, and follow it as long as something is to come, for so many seconds.

        Raise DeploymentNotFound, VersionNotFound, TakenDown, Invalid for a form that the pages do not have.
        """
        await self._inbox.owned(caller, deployment_id)
        site = await self._site(deployment_id)
        asked = samples.form_of(site.contract, form)
        if asked is None and form and site.contract.forms and data is None:
            raise Invalid(
                "form: no page of the site has a form of this name", hint="Give 'data' to send it all the same."
            )
        name = form if form is not None else asked.name if asked else ""
        # what is given goes through the checks of every submission
        sent = Sent(data=samples.data(asked)) if data is None else fields.parse("application/json", orjson.dumps(data))
        sent.control["_form"] = name
        submission_id = await self._intake.take(site, sent, None, test=True)
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            hops = await self._inbox.trace(submission_id)
            complete = traces.is_complete(hops)
            if complete or loop.time() >= end:
                return Tried(id=submission_id, hops=hops, complete=complete)
            await asyncio.sleep(EVERY)

    async def _site(self, deployment_id: str) -> Site:
        site = await self._live.find(deployment_id)
        if site is None:
            raise VersionNotFound("Nothing is published yet")
        if site.status == "taken_down":
            raise TakenDown
        if site.status != "live":
            raise DeploymentNotFound
        return site
