"""Answers as bytes that are ready: nothing is left to encode, so nothing but head and body is sent."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from litestar import Response
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from loyalty import metrics
from loyalty.commands.model import Answer
from loyalty.http.problems import PROBLEM_JSON

__all__ = ["JSON", "Ready", "answered"]

JSON: Final = "application/json"
_REPLAYED: Final = {"Idempotent-Replayed": "true"}


class _Code(Struct):
    code: str


_code = msgspec.json.Decoder(_Code).decode


class Ready(Response[Any]):
    """A response that is its own ASGI application; Litestar's own builds a second one, field by field.

    It stands for the `Response[…]` that a route says it returns; without a body (304) it has no type and no length.
    """

    def __init__(
        self,
        body: bytes,
        status: int = HTTPStatus.OK,
        *,
        media_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Take the body as it goes on the wire."""
        super().__init__(body, status_code=status, media_type=media_type, headers=headers)

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """Return what answers the request: this."""
        return self

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send head and body."""
        body: bytes = self.content
        head = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        if body:
            head += ((b"content-type", str(self.media_type).encode()), (b"content-length", b"%d" % len(body)))
        await send(
            {"type": "http.response.start", "status": self.status_code or HTTPStatus.OK, "headers": head}
        )
        await send({"type": "http.response.body", "body": body, "more_body": False})


def answered(answer: Answer) -> Ready:
    """Return an answer byte for byte; one that was given before says so in a header."""
    headers = _REPLAYED if answer.replayed else None
    if answer.status < HTTPStatus.BAD_REQUEST:
        return Ready(answer.body, answer.status, headers=headers)
    metrics.refused(_code(answer.body).code)
    return Ready(answer.body, answer.status, media_type=PROBLEM_JSON, headers=headers)
