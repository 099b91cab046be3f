"""What a message's handler makes of it: the rules that every bus follows, free of any broker."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from typing import Final

import pydantic

from shared import bus, logs
from shared.errors import Unavailable
from shared.events import Envelope, Event

log = logs.get(__name__)

#: A reason travels in a header or a column: enough to recognise the cause.
REASON_LENGTH: Final = 300


class Fate(Enum):
    """What becomes of a message."""

    #: Handled, or past its use.
    DONE = auto()
    #: Delivered again at once; the bus counts and parks it after `DELIVERY_LIMIT` + 1 deliveries.
    AGAIN = auto()
    #: Delivered again after the next delay.
    LATER = auto()
    #: Kept aside for a person to look at.
    PARK = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A message's fate, with the reason that a parked one carries."""

    fate: Fate
    reason: str = ""


DONE: Final = Verdict(fate=Fate.DONE)


def park(reason: str) -> Verdict:
    """Return the verdict that parks a message."""
    return Verdict(fate=Fate.PARK, reason=logs.redact(reason)[:REASON_LENGTH])


async def handle(body: bytes, attempt: int, handlers: bus.Handlers, *, retries: int) -> Verdict:
    """Run the handler of the message in `body` within its time limit and judge what came of it. Never raises."""
    try:
        envelope = Envelope.from_bytes(body)
    except ValueError as error:
        log.error("message.unreadable", problem=_problem(error))  # noqa: TRY400 - a traceback could quote the message
        return park(f"unreadable: {_problem(error)}")
    if envelope.expired(datetime.now(UTC)):
        log.info("message.expired", type=envelope.type, message_id=envelope.id, request_id=envelope.correlation_id)
        return DONE
    token = logs.request_id.set(envelope.correlation_id)
    try:
        return await _handle(envelope, attempt, handlers, retries)
    finally:
        logs.request_id.reset(token)


async def _handle(envelope: Envelope, attempt: int, handlers: bus.Handlers, retries: int) -> Verdict:
    event = _event(envelope)
    handler = handlers.get(type(event)) if isinstance(event, Event) else None
    if handler is None:
        problem = f"nobody handles {envelope.type} here" if isinstance(event, Event) else event
        log.error("message.unreadable", type=envelope.type, message_id=envelope.id, problem=problem)
        return park(f"unreadable: {problem}")
    started = time.perf_counter()
    delivery = bus.Delivery(envelope=envelope, attempt=attempt, last=attempt > retries)
    verdict = await _run(handler, event, delivery)
    log.info(
        "message",
        type=envelope.type,
        message_id=envelope.id,
        attempt=attempt,
        fate=verdict.fate.name.lower(),
        ms=round((time.perf_counter() - started) * 1000, 1),
        **({"reason": verdict.reason} if verdict.reason else {}),
    )
    return verdict


async def _run(handler: bus.Handler, event: object, delivery: bus.Delivery) -> Verdict:
    try:
        async with asyncio.timeout(bus.HANDLER_TIMEOUT):
            await handler(event, delivery)
    except bus.Reject as error:
        return park(f"rejected: {error}")
    except (bus.Retry, Unavailable) as error:
        if delivery.last:
            return park(f"gave up after {delivery.attempt} attempts: {error}")
        return Verdict(fate=Fate.LATER, reason=str(error)[:REASON_LENGTH])
    except asyncio.CancelledError:
        if cancelled():
            raise
        log.exception("message.failed", type=delivery.envelope.type, message_id=delivery.envelope.id)
        return Verdict(fate=Fate.AGAIN)
    except Exception:
        log.exception("message.failed", type=delivery.envelope.type, message_id=delivery.envelope.id)
        return Verdict(fate=Fate.AGAIN)
    return DONE


def cancelled() -> bool:
    """Tell whether a CancelledError is meant for this task; libraries let theirs out of futures too (1.3)."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _event(envelope: Envelope) -> Event | str:
    """Return the event, or why there is none."""
    try:
        return envelope.event()
    except KeyError:
        return f"unknown type {envelope.type[:80]!r}"
    except ValueError as error:
        return _problem(error)


def _problem(error: ValueError) -> str:
    """Say what is wrong without the values: they may be secrets."""
    if isinstance(error, pydantic.ValidationError):
        found = (f"{'.'.join(map(str, one['loc']))}: {one['type']}" for one in error.errors(include_input=False))
        return "; ".join(found)
    return str(error)
