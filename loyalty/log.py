"""Structured logs: one JSON object per line on standard output, or coloured lines for people.

The hot path (one line per request) skips structlog and the standard library: a msgspec Struct is encoded and put in
a queue. A thread writes the queue out every 200 ms or 64 KB; errors are written at once. kill -9 can lose the
last 200 ms of lines that are no errors.
"""

import atexit
import logging
import re
import sys
import threading
from collections import deque
from collections.abc import MutableMapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, BinaryIO, Final, cast

import msgspec
import structlog
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import TimeStamper, add_log_level, format_exc_info

__all__ = ["REQUEST_ID", "AccessLine", "Sink", "access", "configure", "flush", "redact"]

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""The id of the request being answered; every line logged meanwhile carries it."""

_FLUSH_SECONDS: Final = 0.2
_FLUSH_BYTES: Final = 64 * 1024
_MOST_BYTES: Final = 4 * 1024 * 1024
# A write to a pipe is atomic up to this size, so lines of several workers never mix.
_ATOMIC_BYTES: Final = 4096


class Sink:
    """Queues lines and writes them out in the background; `write` costs well under a microsecond."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._some = threading.Event()
        self._full = threading.Event()
        self._writing = threading.Lock()
        self._thread: threading.Thread | None = None

    def write(self, line: bytes) -> None:
        """Queue one line, which ends in a newline."""
        self._lines.append(line)
        self._size += len(line)
        if not self._some.is_set():
            self._start()
            self._some.set()
        if self._size >= _FLUSH_BYTES:
            self._full.set()
            if self._size >= _MOST_BYTES:  # whoever reads us is slow: wait for them rather than lose lines
                self.flush()

    def write_now(self, line: bytes) -> None:
        """Write one line out, after all that were queued before it."""
        self._lines.append(line)
        self.flush()

    def flush(self) -> None:
        """Write out whatever is queued. A reader that has gone away is not our callers' trouble."""
        with self._writing:
            self._size = 0
            try:
                while chunk := self._next_chunk():
                    self.stream.write(chunk)
                    self.stream.flush()
            except (BrokenPipeError, ValueError):
                self._lines.clear()

    def _next_chunk(self) -> bytes:
        chunk: list[bytes] = []
        room = _ATOMIC_BYTES
        while self._lines and (not chunk or len(self._lines[0]) <= room):
            line = self._lines.popleft()
            room -= len(line)
            chunk.append(line)
        return b"".join(chunk)

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while True:
            self._some.wait()
            self._full.wait(_FLUSH_SECONDS)
            self._full.clear()
            self._some.clear()
            self.flush()


class AccessLine(msgspec.Struct, frozen=True, gc=False):
    """What is logged of a request. Never its query, its body, a guest's name or a token."""

    timestamp: datetime
    level: str
    event: str
    method: str
    route: str
    status: int
    ms: float
    request_id: str
    key: str
    role: str


_sink: Final = Sink(sys.stdout.buffer)
_encoder: Final = msgspec.json.Encoder(enc_hook=repr)
_encode: Final = _encoder.encode
_state: Final = {"json": True, "access": True}


def access(method: str, route: str, status: int, ms: float, request_id: str, key: str, role: str) -> None:
    """Log one answered request."""
    if not _state["access"]:
        return
    now = datetime.now(UTC)
    if _state["json"]:
        line = AccessLine(now, "info", "request", method, route, status, ms, request_id, key, role)
        _sink.write(_encode(line) + b"\n")
    else:
        _sink.write(f"{now:%H:%M:%S} {status} {method:6} {route} {ms:.1f} ms {key} {request_id}\n".encode())


def flush() -> None:
    """Write out every line logged so far."""
    _sink.flush()


def configure(
    log_format: str = "json", level: str = "info", stream: BinaryIO | None = None, *, requests: bool = True
) -> None:
    """Send structlog, the standard library's loggers and uvicorn's to `stream` (standard output) as `log_format`.

    `requests=False` leaves out the line per request. Run uvicorn with `log_config=None, access_log=False`.
    """
    flush()
    _sink.stream = stream or sys.stdout.buffer
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _state.update(json=log_format == "json", access=requests and threshold <= logging.INFO)
    structlog.configure(
        processors=_processors(log_format),
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: _OUT,
        cache_logger_on_first_use=True,
    )
    # Libraries are heard when they warn; some (httpx) would tell every address they call, query and all.
    logging.basicConfig(handlers=[_Bridge()], level=max(threshold, logging.WARNING), force=True)
    logging.getLogger("uvicorn").setLevel(max(threshold, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = name != "uvicorn.access"


def _processors(log_format: str) -> list[Any]:
    common: list[Any] = [_add_request_id, add_log_level, TimeStamper("iso", utc=True)]
    if log_format == "json":
        return [*common, format_exc_info, redact, _as_json]
    return [*common, redact, ConsoleRenderer(exception_formatter=plain_traceback), _as_bytes]


def _add_request_id(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _as_json(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> bytes:
    first = {"timestamp": event.pop("timestamp"), "level": event.pop("level"), "event": event.pop("event")}
    return _encode(first | dict(event)) + b"\n"


def _as_bytes(_logger: Any, _method: str, rendered: str) -> bytes:
    return rendered.encode() + b"\n"


# --- Redaction -------------------------------------------------------------------------------------------------------

_SECRET_NAMES: Final = re.compile(
    r"(?i)authorization|cookie|credential|passw|secret|token|api[-_]?key|vault[-_]?key|dsn|database[-_]?url"
    r"|^(?:e[-_]?mail|phone|birthday|profile|guest|(?:guest|full|first|last)[-_]name|hash)$"
)
_SECRET_VALUES: Final = re.compile(r"lk_([a-z]+)_[A-Za-z0-9_-]{20,}|(://[^:/@\s]*):[^@/\s]+@")
_DEEPEST: Final = 4


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what is named like a secret or a person's data, and keys and passwords inside any text."""
    for name, value in event.items():
        event[name] = _masked(name, value, _DEEPEST)
    return event


def _masked(name: str, value: Any, depth: int) -> Any:
    if _SECRET_NAMES.search(name):
        return "[redacted]"
    if isinstance(value, str):
        return _SECRET_VALUES.sub(_mask_text, value)
    if depth and isinstance(value, dict):
        inner = cast("dict[Any, Any]", value)
        return {key: _masked(str(key), item, depth - 1) for key, item in inner.items()}
    if depth and isinstance(value, list | tuple):
        return [_masked("", item, depth - 1) for item in cast("list[Any]", value)]
    return value


def _mask_text(match: re.Match[str]) -> str:
    return f"lk_{match[1]}_[redacted]" if match[1] else f"{match[2]}:[redacted]@"


# --- Where structlog and the standard library end up -----------------------------------------------------------------


class _Out:
    """The last link of structlog's chain: takes finished lines."""

    def msg(self, line: bytes) -> None:
        _sink.write(line)

    def error(self, line: bytes) -> None:
        _sink.write_now(line)

    debug = info = warn = warning = log = msg
    critical = exception = fatal = failure = err = error


_OUT: Final = _Out()


class _Bridge(logging.Handler):
    """Hands the standard library's records to structlog."""

    def emit(self, record: logging.LogRecord) -> None:
        trace = {"exc_info": record.exc_info} if record.exc_info else {}
        event = record.getMessage().rstrip()
        structlog.get_logger().log(record.levelno, event, logger=record.name, **trace)


atexit.register(flush)
