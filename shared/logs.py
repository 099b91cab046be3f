"""One stream of log lines for structlog and the standard library: JSON, or readable on a terminal, without secrets."""

import asyncio
import logging
import re
import sys
import time
from contextvars import ContextVar
from typing import IO, Any, Final

import orjson

# structlog's renderer for terminals imports rich where it is installed, a tenth of a second at every start, and its
# tracebacks hold up the event loop for longer. Ours are plain: as far as structlog can see, rich is not there.
_hidden: dict[str, Any] = {"rich": sys.modules.get("rich")}
sys.modules["rich"] = None  # type: ignore[assignment]
import structlog  # noqa: E402
from structlog.typing import EventDict, Processor, WrappedLogger  # noqa: E402

if _hidden["rich"] is None:
    del sys.modules["rich"]
else:
    sys.modules |= _hidden

#: The id of the request or message being worked on; carried from HTTP through the outbox to the mail.
request_id: ContextVar[str] = ContextVar("request_id", default="")

#: Everything secret that we issue has a prefix and at least 20 random characters: replaced wherever it turns up (R43).
SECRETS: Final = re.compile(r"\b(inv|tok|lnk|ses|whsec)_[0-9A-Za-z+/=]{20,}")

#: How long an access line may wait to be written together with others, in seconds.
FLUSH_AFTER: Final = 0.05


def redact(text: str) -> str:
    """Replace every key, token and link secret in `text`."""
    return SECRETS.sub(r"\1_[redacted]", text) if "_" in text else text


#: A request until its line is written: time, id, method, path, status, milliseconds, facts.
Access = tuple[float, str, str, str, int, float, dict[str, Any]]


class Stream:
    """Standard output; `write` goes out at once, `write_soon` together with its neighbours, in order."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._waiting: list[str | Access] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, line: str) -> None:
        """Write a line, after all that wait."""
        self._waiting.append(redact(line))
        self.flush()

    def write_soon(self, request: "Access") -> None:
        """Write a request's line within `FLUSH_AFTER` seconds; must be called from the event loop."""
        self._waiting.append(request)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER, self.flush)

    def flush(self) -> None:
        """Write what waits."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        if waiting:
            lines = [line if isinstance(line, str) else _access_line(line) for line in waiting]
            self._out.write("\n".join(lines) + "\n")
            self._out.flush()

    # structlog calls the method named after the level
    msg = debug = info = warning = error = critical = exception = log = write


class _Handler(logging.Handler):
    """Send the standard library's records down the same stream."""

    def __init__(self, stream: Stream, formatter: logging.Formatter) -> None:
        super().__init__()
        self._stream = stream
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._stream.write(self.format(record))
        except Exception:  # noqa: BLE001 - logging must not break what it logs; the library's own hook reports it
            self.handleError(record)


_stream = Stream(sys.stdout)
_service = ""
_json = True
_second, _second_text = 0, ""


def _add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    event.setdefault("service", _service)
    if current := request_id.get():
        event.setdefault("request_id", current)
    return event


def _render_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=repr).decode()


def configure(service: str, *, out: IO[str] | None = None, json: bool | None = None, level: str = "INFO") -> None:
    """Set up logging for this process. JSON unless `out` (standard output) is a terminal. Idempotent."""
    global _stream, _service, _json  # noqa: PLW0603 - a process has one log
    out = out or sys.stdout
    _json = not out.isatty() if json is None else json
    _stream, _service = Stream(out), service
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _add_context,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
    ]
    final: list[Processor] = (
        [structlog.processors.format_exc_info, _render_json] if _json else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[*shared, *final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=lambda *_: _stream,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
    )
    root = logging.getLogger()
    root.handlers = [_Handler(_stream, formatter)]
    root.setLevel("WARNING")


def access(*, method: str, path: str, status: int, ms: float, **facts: Any) -> None:
    """Write the one line of a request.

    Past the general machinery: an access line through it costs more than the request itself. Nothing is redacted here:
    `path` is the route's pattern, not what the client sent, and `facts` are ids; those that are None are left out.
    """
    _stream.write_soon((time.time(), request_id.get(), method, path, status, ms, facts))


def _access_line(request: Access) -> str:
    """Write a request's line. Many are written one after the other, which costs a third of one at a time."""
    at, name, method, path, status, ms, facts = request
    if not _json:
        return f"{_text(at)[11:19]} {status} {method:6} {path} {ms:.1f} ms {name}"
    line: dict[str, Any] = {
        "at": _text(at),
        "level": "info",
        "event": "request",
        "service": _service,
        "request_id": name,
        "method": method,
        "path": path,
        "status": status,
        "ms": round(ms, 2),
    }
    line |= {name: value for name, value in facts.items() if value is not None}
    return orjson.dumps(line).decode()


def _text(at: float) -> str:
    """Return a time as log lines have it; the part down to the second is made once a second."""
    global _second, _second_text
    second = int(at)
    if second != _second:
        _second, _second_text = second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
    return f"{_second_text}.{int(at * 1000) % 1000:03d}Z"


def flush() -> None:
    """Write what still waits; called when a process ends."""
    _stream.flush()


def get(name: str) -> structlog.typing.FilteringBoundLogger:
    """Return a logger; `name` is the module's, kept as `source` in each line."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(source=name)
    return logger
