"""`/v1/stays`: what a PMS posts, one at a time or in bulk, and what became of it."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from litestar import Response, get, post
from litestar.openapi.spec import Operation, RequestBody
from litestar.openapi.spec.enums import OpenAPIType
from litestar.openapi.spec.media_type import OpenAPIMediaType
from litestar.openapi.spec.parameter import Parameter
from litestar.openapi.spec.reference import Reference
from litestar.openapi.spec.schema import Schema
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from loyalty import bulk, ids
from loyalty.commands.explain import explain
from loyalty.commands.model import Answer
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.stay_reply import Points, StayReply
from loyalty.errors import Problem, ProblemDocument
from loyalty.http.answers import JSON, Ready, answered
from loyalty.http.auth import Principal, require_property
from loyalty.http.problems import body_problem, decode, encode, problem_responses
from loyalty.http.requests import ApiRequest, bad_parameter, service_of
from loyalty.program.visit import Why
from loyalty.program.wording import Language, language_of
from loyalty.stays.model import StayPosting
from loyalty.stays.store import Revision

MOST_ITEMS: Final = 10_000
_NDJSON: Final = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_SUMMED: Final = ("posted", "revised", "reversed", "unchanged", "superseded", "refused")
_DRY_RUN: Final = {"Dry-Run": "true"}
_posting = msgspec.json.Decoder(StayPosting)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_reply = msgspec.json.Decoder(StayReply)


class RevisionView(Struct, frozen=True):
    """One thing that was said about a stay, and what was answered."""

    revision: int
    outcome: str
    recorded_at: dt.datetime
    journal_id: str | None
    snapshot: StayPosting
    reply: StayReply


class StayView(Struct, frozen=True):
    """A stay as it now is, what it stands for and why, and all that was ever said about it, newest first.

    `text` says why in sentences, in English or Chinese by `Accept-Language`.
    """

    stay_id: str
    member_id: str
    outcome: str
    revision: int
    program: str
    points: Points
    nights: str
    why: list[Why]
    text: list[str]
    snapshot: StayPosting
    revisions: list[RevisionView]


class BatchResult(Struct, frozen=True, omit_defaults=True):
    """What one item of a batch came to: a reply, or a problem document."""

    status: int
    reply: StayReply | None = None
    problem: ProblemDocument | None = None


class BatchReply(Struct, frozen=True):
    """What each item of a batch came to, in order, and how many came to what."""

    results: list[BatchResult]
    summary: dict[str, int]


@dataclass
class BatchOperation(Operation):
    """Documents that the body is an array of postings, or one posting a line."""

    def __post_init__(self) -> None:
        """Add the body, which the handler reads by itself to judge each item alone."""
        one = Reference(ref="#/components/schemas/StayPosting")
        array: Schema = Schema(type="array", items=one, max_items=MOST_ITEMS)  # pyright: ignore[reportArgumentType]
        self.request_body = RequestBody(
            content={
                "application/json": OpenAPIMediaType(schema=array),
                "application/x-ndjson": OpenAPIMediaType(schema=one),
            },
            required=True,
        )


@dataclass
class DryRunOperation(Operation):
    """Documents the parameter that the handler reads by itself: asking Litestar for it would slow every posting."""

    def __post_init__(self) -> None:
        """Add the parameter."""
        self.parameters = [
            Parameter(
                name="dry_run", param_in="query", schema=Schema(type=OpenAPIType.BOOLEAN, default=False),
                description="Only tell what the posting would come to; the header `Dry-Run: true` says so.",
            )
        ]  # fmt: skip


@post(
    "/v1/stays", tags=["Stays"], status_code=201, operation_class=DryRunOperation,
    responses=problem_responses(
        "unknown_member", "revision_conflict", "stay_of_another_member", "member_closed", "unknown_property",
        "unknown_currency", "stay_departure_before_arrival", "stay_too_long", "invalid_value", "queue_full",
    ),
)  # fmt: skip
async def post_stay(data: JSONBody[StayPosting], request: ApiRequest) -> Response[StayReply]:
    """Post a stay as it now is. Post it again at any time: it is counted once, and answered the same."""
    require_property(request.user, data.property)
    service = service_of(request)
    if request.scope["query_string"] and _is_dry_run(request):
        answer = await service.preview_stay(data, request.user.name)
        return Ready(answer.body, headers=_DRY_RUN)
    return answered(await service.post_stay(data, request.user.name))


def _is_dry_run(request: ApiRequest) -> bool:
    given: str = request.query_params.get("dry_run", "false")
    if given not in {"true", "false"}:
        raise bad_parameter("dry_run", f"Expected true or false, not {given!r}.")
    return given == "true"


@post("/v1/stays/batch", tags=["Stays"], status_code=200, operation_class=BatchOperation)
async def post_stays(request: ApiRequest) -> Response[BatchReply]:
    """Post up to 10,000 stays, as a JSON array or one a line (NDJSON). Each is answered on its own, in order."""
    raw = _split(await request.body(), request.headers.get("content-type", JSON))
    if len(raw) > MOST_ITEMS:
        raise Problem("body_too_large", f"{len(raw)} stays are more than the {MOST_ITEMS} a batch may have.")
    postings = (_read(item, request.user) for item in raw)
    answers = await bulk.post_stays(service_of(request), postings, request.user.name)
    return Ready(_render(answers))


@get("/v1/stays/{stay_id:str}", tags=["Stays"], responses=problem_responses("unknown_stay"))
async def get_stay(stay_id: FromPath[str], request: ApiRequest) -> StayView:
    """Return a stay with all its revisions, and the explanation of its award."""
    parsed = ids.parse("sty", stay_id)
    revisions = await service_of(request).read_stay(parsed) if parsed else []
    if not revisions:
        raise Problem("unknown_stay", f"There is no stay {stay_id}.")
    language = language_of(request.headers.get("accept-language", ""))
    shown = _view(stay_id, revisions, service_of(request).rules, language)
    require_property(request.user, shown.snapshot.property, "")
    return shown


def _split(body: bytes, content_type: str) -> Sequence[msgspec.Raw | bytes]:
    kind = content_type.partition(";")[0].strip().lower()
    if kind in _NDJSON:
        return [line for line in body.split(b"\n") if line.strip()]
    if kind != JSON:
        raise Problem("unsupported_media_type", f"Send {JSON} (an array) or {_NDJSON[0]}.")
    return decode(_items, body)


def _read(item: msgspec.Raw | bytes, principal: Principal) -> StayPosting | Problem:
    try:
        posting = _posting.decode(item)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return body_problem(error, StayPosting)
    try:
        require_property(principal, posting.property)
    except Problem as problem:
        return problem
    return posting


def _render(answers: list[Answer | Problem]) -> bytes:
    """Write the reply around the bytes of its items."""
    counts: dict[str, int] = dict.fromkeys(_SUMMED, 0)
    parts: list[bytes] = []
    for answer in answers:
        if isinstance(answer, Problem):
            counts["refused"] += 1
            parts.append(b'{"status":%d,"problem":%b}' % (answer.status, encode(answer)))
        else:
            counts[answer.outcome] += 1
            parts.append(b'{"status":%d,"reply":%b}' % (answer.status, answer.body))
    return b'{"results":[%b],"summary":%b}' % (b",".join(parts), msgspec.json.encode(counts))


def _view(stay_id: str, revisions: list[Revision], rules: Rulebook, language: Language) -> StayView:
    shown = [_revision_view(revision) for revision in revisions]
    now = shown[0]
    return StayView(
        stay_id, ids.show("mem", revisions[0].member_id), now.outcome, now.revision, now.reply.program,
        now.reply.points, now.reply.nights, now.reply.why,
        explain(rules, now.reply.program, now.reply.why, language), now.snapshot, shown,
    )  # fmt: skip


def _revision_view(one: Revision) -> RevisionView:
    journal = None if one.journal_id is None else ids.show("jrn", one.journal_id)
    return RevisionView(
        one.revision,
        one.outcome,
        one.recorded_at,
        journal,
        _posting.decode(one.snapshot),
        _reply.decode(one.reply),
    )
