"""From exceptions to problem documents: what clients read when a request is refused."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar, cast

import msgspec
import structlog
from litestar import Request, Response
from litestar.datastructures.state import State
from litestar.exceptions import HTTPException, ValidationException
from litestar.openapi.datastructures import ResponseSpec

from loyalty import metrics
from loyalty.errors import CODES, FieldError, Problem, ProblemDocument
from loyalty.wording import field_error, sentence

__all__ = [
    "EXCEPTION_HANDLERS",
    "PROBLEM_JSON",
    "StrictRequest",
    "body_problem",
    "decode",
    "encode",
    "problem_responses",
    "unexpected",
]

PROBLEM_JSON: Final = "application/problem+json"

T = TypeVar("T")

log = structlog.get_logger()

_encoder = msgspec.json.Encoder()


def encode(problem: Problem, request_id: str = "") -> bytes:
    """Write a problem as it goes on the wire, and count it."""
    metrics.refused(problem.code)
    return _encoder.encode(problem.document(request_id))


def unexpected(error: BaseException, request_id: str) -> Problem:
    """Log what nobody foresaw, with its trace, and return a problem that gives nothing of it away."""
    log.error("unexpected_error", request_id=request_id, error=type(error).__name__, exc_info=error)
    return Problem("internal_error", f"The request failed; our log has it under request id {request_id}.")


# --- Bodies --------------------------------------------------------------------------------------------------------


def decode(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """Decode JSON strictly; whatever is wrong with it becomes a Problem that points at the field."""
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise body_problem(error, decoder.type) from error


def body_problem(error: Exception, kind: Any = None) -> Problem:
    """Tell from msgspec's exception whether the body is no JSON at all or has a bad field, and which.

    `kind` is the type that the body should have had; it knows better words for what a field should hold.
    """
    if isinstance(error, msgspec.ValidationError):
        bad = field_error(str(error), kind)
        return Problem("invalid_body", bad.detail, errors=(bad,))
    if isinstance(error, UnicodeDecodeError):
        return Problem("malformed_json", "The body is not valid UTF-8.")
    if isinstance(error, RecursionError):
        return Problem("malformed_json", "The body is nested too deeply.")
    return Problem("malformed_json", f"{str(error).removeprefix('JSON is malformed: ').capitalize()}.")


class StrictRequest(Request[Any, Any, State]):
    """Decodes a JSON body in one go into the type of the handler's `data`.

    Litestar would decode to plain dicts first and convert those leniently ("2" is an int to it), losing the place
    of an error on the way. What this returns is an instance already, so the later conversion passes it through.
    """

    _whole: bytes | None = None

    async def json(self) -> Any:
        """Return the decoded body; raises Problem (400 or 415)."""
        handler = self.scope["route_handler"]
        decoder = _decoders.get(handler)
        if decoder is None:
            field = handler.parsed_data_field
            decoder = _decoders[handler] = msgspec.json.Decoder(field.raw if field else Any)
        _require_json(self.scope["headers"])
        return decode(decoder, await self.body())

    async def body(self) -> bytes:
        """Return the body, whose size the edge has seen to; raises Problem when the client leaves in the middle."""
        if self._whole is None:
            parts: list[bytes] = []
            more = True
            while more:
                message = await self.receive()
                if message["type"] != "http.request":
                    raise Problem("client_disconnected")
                parts.append(message["body"])
                more = message["more_body"]
            self._whole = b"".join(parts)
        return self._whole


_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def _require_json(headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        if name == b"content-type":
            if (
                value != b"application/json"
                and value.partition(b";")[0].strip().lower() != b"application/json"
            ):
                raise Problem("unsupported_media_type", "Send the body with Content-Type: application/json.")
            return


# --- Litestar's exceptions -----------------------------------------------------------------------------------------

_BY_STATUS: Final = {
    401: "unauthorized",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    503: "unavailable",
}
_MISSING_PARAMETER: Final = re.compile(r"Missing required (\w+) parameter '([^']+)'")
_NO_BODY: Final = "Object missing required field `data`"


def _on_problem(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
    return _respond(request, cast("Problem", error))


def _on_http_exception(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
    raised = cast("HTTPException", error)
    problem = _from_http_exception(raised) or unexpected(error, _request_id(request))
    return _respond(request, problem, raised.headers)


def _on_unexpected(request: Request[Any, Any, State], error: Exception) -> Response[bytes]:
    return _respond(request, unexpected(error, _request_id(request)))


EXCEPTION_HANDLERS: Final[dict[Any, Any]] = {
    Problem: _on_problem,
    HTTPException: _on_http_exception,
    Exception: _on_unexpected,
}
"""For `Litestar(exception_handlers=...)`; nothing a handler raises escapes them."""


def _from_http_exception(error: HTTPException) -> Problem | None:
    if code := _BY_STATUS.get(error.status_code):
        return Problem(code)
    if isinstance(error, ValidationException):
        return _from_validation(error)
    return (
        Problem("bad_request", error.detail) if error.status_code < HTTPStatus.INTERNAL_SERVER_ERROR else None
    )


def _from_validation(error: ValidationException) -> Problem:
    if str(error.__cause__) == _NO_BODY:
        return Problem("invalid_body", "A body is required.", at="")
    if missing := _MISSING_PARAMETER.search(error.detail):
        bad = FieldError(parameter=missing[2], detail=f"Required {missing[1]} parameter is missing.")
        return Problem("invalid_parameter", bad.detail, errors=(bad,))
    # Litestar's own list: {"message": "Expected `int` <= 100", "key": "limit", "source": "query"}
    found = cast("list[dict[str, str]]", error.extra or [])
    bad_ones = tuple(FieldError(parameter=it.get("key", ""), detail=sentence(it["message"])) for it in found)
    detail = bad_ones[0].detail if bad_ones else ""
    return Problem("invalid_parameter", detail, errors=bad_ones)


def _respond(
    request: Request[Any, Any, State], problem: Problem, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    return Response(
        encode(problem, _request_id(request)),
        status_code=problem.status,
        media_type=PROBLEM_JSON,
        headers={**(headers or {}), **problem.headers},
    )


def _request_id(request: Request[Any, Any, State]) -> str:
    return request.scope["state"].get("request_id", "")


# --- Documentation -------------------------------------------------------------------------------------------------


def problem_responses(*codes: str) -> dict[int, ResponseSpec]:
    """Document refusals by their codes, for a route's `responses=`: one entry per status, naming its codes."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code].status, []).append(code)
    return {
        status: ResponseSpec(
            ProblemDocument,
            generate_examples=False,
            media_type=PROBLEM_JSON,
            description="; ".join(f"`{code}`: {CODES[code].title}" for code in group),
        )
        for status, group in sorted(by_status.items())
    }
