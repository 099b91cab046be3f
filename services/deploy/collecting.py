"""Open what takes in submissions, tells of them and shows them: the part of the application that belongs to forms."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from services.deploy import api, forms, sender, submitters, worker
from services.deploy.blobs import Blobs
from services.deploy.config import Config
from services.deploy.dropped import FormNames, counting
from services.deploy.feed import open_feed
from services.deploy.intake import Intake
from services.deploy.live import LiveSites
from services.deploy.repeats import Heat
from services.deploy.service.downloads import Downloads
from services.deploy.service.inbox import Inbox
from services.deploy.service.notices import Notices
from services.deploy.service.notifier import open_notifier
from services.deploy.service.telling import Telling
from services.deploy.service.trials import Trials
from services.deploy.service.webhook_upkeep import WebhookUpkeep
from services.deploy.service.webhooks import Webhooks
from services.deploy.tokens import FormTokens
from services.deploy.writer import Hearers
from shared import db, jobs, outbox


@asynccontextmanager
async def equipped(  # noqa: PLR0917 - called once, where all of them are opened
    public: web.Application,
    pool: db.Pool,
    messages: outbox.Outbox,
    blobs: Blobs,
    telling: Telling,
    live: LiveSites,
    config: Config,
) -> AsyncIterator[None]:
    """Give the application what its handlers of forms use, and keep that at work while the context is open."""
    names, notices = FormNames(), Notices(pool, messages, config)
    async with (
        open_feed(pool) as feed,
        counting(pool, names) as dropped,
        sender.opened(pool, messages, config) as hooks,
        open_notifier(notices) as notifier,
        jobs.working([*worker.webhook_jobs(WebhookUpkeep(pool)), *worker.mail_jobs(notices)]),
    ):
        hearers = Hearers(stored=feed.poke, queued=hooks.wake, told=notifier.wake)
        intake = Intake(pool, blobs, names=names, hearers=hearers)
        inbox = Inbox(pool, telling, blobs)
        public[submitters.LIVE] = live
        public[submitters.OWN_PAGES] = submitters.OwnPages(live, config)
        public[forms.DROPPED] = dropped
        public[forms.INTAKE] = intake
        public[forms.TOKENS] = FormTokens(config.service_token.get_secret_value())
        public[forms.HEAT] = Heat()
        public[api.submissions.INBOX] = inbox
        public[api.exports.DOWNLOADS] = Downloads(pool, telling, config.api_url)
        public[api.events.FEED] = feed
        public[api.trials.TRIALS] = Trials(inbox, intake, live)
        public[api.webhooks.WEBHOOKS] = Webhooks(pool, messages, telling, config, hooks.wake)
        yield
