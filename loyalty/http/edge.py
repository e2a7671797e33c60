"""The one layer between the server and Litestar: request id, key, body limit, metrics and log line in one pass."""

import random
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from litestar.types import ASGIApp, Message, Receive, Scope, Send

from loyalty import log, metrics
from loyalty.errors import Problem
from loyalty.http.auth import KeyRing, Principal, is_open
from loyalty.http.problems import PROBLEM_JSON, encode, unexpected

__all__ = ["Edge"]

DEFAULT_BODY_BYTES: Final = 1024 * 1024
"""Room for a stay with some thousand lines, or a thousand member numbers."""
BATCH_BODY_BYTES: Final = 16 * 1024 * 1024

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Asked for every few seconds by machines; logged only when they fail.
_QUIET: Final = frozenset({"/health/live", "/health/ready", "/metrics"})
_CLIENT_LEFT: Final = 499
_FIRST_ERROR: Final = 400

Meters = tuple[Callable[..., None], Callable[..., None]]


class Edge:
    """Wraps the Litestar app, and leaves `request_id` and `principal` in `scope["state"]`.

    The principal is also in `scope["user"]`, where Litestar's `request.user` finds it; None on open paths.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyRing,
        *,
        body_limits: Mapping[str, int] | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Limit bodies to `body_limits` bytes by exact path, others to 1 MiB."""
        self._app = app
        self._keys = keys
        self._body_limits = (
            {"/v1/stays/batch": BATCH_BODY_BYTES} if body_limits is None else dict(body_limits)
        )
        self._clock = clock
        self._meters: dict[tuple[str, str, int], Meters] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass on what isn't one (lifespan)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = self._clock()
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"))
        log.REQUEST_ID.set(request_id)
        id_header = (b"x-request-id", request_id.encode())
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), id_header]
            await send(message)

        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = request_id
        scope["user"] = state["principal"] = None
        try:
            path = scope["path"]
            key = headers.get(b"authorization")
            principal = self._keys.peek(key) if key else None
            if principal is None and not is_open(path):
                principal = await self._keys.find(key)
            scope["user"] = state["principal"] = principal
            await self._app(scope, self._limited(path, headers, receive), answer)
        except Exception as error:  # noqa: BLE001 - the last resort: whatever happened, the client gets an answer
            await _answer_error(error, request_id, answer, headers, started=status != 0)
        self._record(scope, status or _CLIENT_LEFT, self._clock() - started, request_id)

    def _limited(self, path: str, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Refuse a body that says it is too large; count one that doesn't say. A server enforces what is said."""
        length = headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in headers:
            return receive
        limit = self._body_limits.get(path, DEFAULT_BODY_BYTES)
        if length is None or not length.isdigit() or b"transfer-encoding" in headers:
            return _counted(receive, limit)
        if int(length) > limit:
            raise _too_large(limit)
        return receive

    def _record(self, scope: Any, status: int, seconds: float, request_id: str) -> None:
        route: str = scope.get("path_template") or "unmatched"
        method: str = scope["method"]
        meters = self._meters.get((method, route, status)) or self._meter(method, route, status)
        meters[0]()
        meters[1](seconds)
        if route in _QUIET and status < _FIRST_ERROR:
            return
        principal: Principal | None = scope["user"]
        name, role = (principal.name, principal.role) if principal else ("", "")
        log.access(method, route, status, round(seconds * 1000, 3), request_id, name, role)

    def _meter(self, method: str, route: str, status: int) -> Meters:
        known = method if method in _METHODS else "OTHER"
        meters = (
            metrics.REQUESTS.labels(known, route, str(status)).inc,
            metrics.REQUEST_SECONDS.labels(known, route).observe,
        )
        if known == method:  # a client can make up methods; don't keep each of them
            self._meters[method, route, status] = meters
        return meters


def _request_id(given: bytes | None) -> str:
    if given and _SANE_ID.fullmatch(given):
        return given.decode("ascii")
    return f"{random.getrandbits(128):032x}"


def _too_large(limit: int) -> Problem:
    return Problem("body_too_large", f"The body may have at most {limit} bytes here.")


def _counted(receive: Receive, limit: int) -> Receive:
    left = limit

    async def counted() -> Any:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise _too_large(limit)
        return message

    return counted


async def _answer_error(
    error: Exception, request_id: str, send: Send, headers: dict[bytes, bytes], *, started: bool
) -> None:
    problem = error if isinstance(error, Problem) else unexpected(error, request_id)
    if started:  # too late for an answer; the server sees that it is incomplete and closes the connection
        return
    body = encode(problem, request_id)
    fields = {"content-type": PROBLEM_JSON, "content-length": str(len(body)), **problem.headers}
    if b"expect" in headers:
        # The client holds its body back and may or may not send it: nothing more can be read from this connection.
        fields["connection"] = "close"
    raw = [(name.lower().encode(), value.encode()) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": problem.status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})
