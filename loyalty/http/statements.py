"""`/v1/partners/{code}/statements`: what partners are owed by the month, and what becomes of it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from loyalty import money, settling
from loyalty.commands.adjust import Why
from loyalty.commands.price import Payment
from loyalty.commands.settle_adjust import SettlementAdjustmentReply, SettlementAdjustmentRequest
from loyalty.errors import Problem
from loyalty.http.answers import Ready, answered
from loyalty.http.auth import require_partner
from loyalty.http.problems import problem_responses
from loyalty.http.reports import CSV, wants_csv
from loyalty.http.requests import ApiRequest, key_of, service_of
from loyalty.http.statement_page import page
from loyalty.partners import matching
from loyalty.partners.matching import TheirLine
from loyalty.partners.statements import (
    Doing,
    Line,
    LineKind,
    Statement,
    StatementStatus,
    as_csv,
    shares,
    sums,
)
from loyalty.program.wording import language_of
from loyalty.settling import Comparison, Drawn
from loyalty.stays.model import Reference

HTML: Final = "text/html; charset=utf-8"
_encode: Final = msgspec.json.Encoder().encode

Period = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$(?!\n)",
        description="A month, like `2026-03`.",
        examples=["2026-03"],
    ),
]


class IssueRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The month of which a statement is to be issued."""

    period: Period


class DisputeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The lines that a partner disputes (none: the whole), and why."""

    reason: Why
    lines: Annotated[tuple[Annotated[int, Meta(ge=1, le=2_147_483_647)], ...], Meta(max_length=1000)] = ()


class SettleRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The payment by which a statement was settled."""

    payment: Reference


class MatchRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The partner's own file, as JSON; as CSV it has columns of the same names."""

    lines: Annotated[list[TheirLine], Meta(max_length=matching.MOST)]


class SumView(Struct, frozen=True):
    """How many lines there are of a kind, and what they come to."""

    kind: LineKind
    records: int
    points: int
    money: str


class ShareView(Struct, frozen=True):
    """What was spent of points that one hotel gave (`""`: not by a stay), and the money owed for them."""

    property: str
    points: int
    money: str


class StatementStepView(Struct, frozen=True, omit_defaults=True):
    """What became of a statement, by whom and when."""

    status: StatementStatus
    by: str
    at: dt.datetime
    lines: Sequence[int] = ()
    reason: str = ""
    payment: str = ""


class StatementLineView(Struct, frozen=True):
    """One thing that happened; above zero what the hotel owes for it."""

    line: int
    kind: LineKind
    id: str
    reference: str
    offer: str
    quantity: int
    points: int
    money: str
    effective_on: dt.date
    properties: Mapping[str, int]


class StatementHead(Struct, frozen=True, kw_only=True):
    """A statement without its lines. `money` is what the hotel owes: below zero what the partner owes.

    `hash` is SHA-256 of the statement as CSV.
    """

    number: str | None
    partner: str
    period: str
    status: StatementStatus
    records: int
    points: int
    money: Payment
    hash: str | None
    issued_at: dt.datetime | None
    steps: list[StatementStepView]


class StatementView(StatementHead, frozen=True, kw_only=True):
    """A statement with its lines and totals; while it is `open`, what the next one would have."""

    totals: list[SumView]
    properties: list[ShareView]
    lines: list[StatementLineView]


class StatementHeads(Struct, frozen=True):
    """A partner's statements, the newest first."""

    statements: list[StatementHead]


_READ: Final = problem_responses("forbidden_partner", "unknown_partner", "unknown_statement")
_ACTED: Final = problem_responses(
    "forbidden_partner", "unknown_partner", "unknown_statement", "wrong_statement_status"
)


@post(
    "/v1/partners/{code:str}/statements", tags=["Settlement"], status_code=201,
    responses=problem_responses("unknown_partner", "period_closed", "period_not_over"),
)  # fmt: skip
async def issue_statement(
    code: FromPath[str], data: JSONBody[IssueRequest], request: ApiRequest
) -> Response[StatementView]:
    """Issue the statement of a month that is over; the same again is answered the same (200)."""
    drawn, new = await settling.issue(service_of(request), code, data.period, request.user.name)
    return _tagged(drawn, 201 if new else 200)


@get("/v1/partners/{code:str}/statements", tags=["Settlement"], responses=_READ)
async def list_statements(code: FromPath[str], request: ApiRequest) -> StatementHeads:
    """List a partner's statements, the newest first."""
    require_partner(request.user, code)
    found = await settling.list_statements(service_of(request), code)
    return StatementHeads([StatementHead(**_head(one)) for one in found])


@get("/v1/partners/{code:str}/statements/{period:str}", tags=["Settlement"], responses=_READ)
async def get_statement(
    code: FromPath[str], period: FromPath[str], request: ApiRequest
) -> Response[StatementView]:
    """Return the statement of a month; of one that is open, what the next statement would have.

    As JSON, as CSV (`2026-03.csv`, or `Accept: text/csv`), or to print (`2026-03.html`), in English or Chinese by
    `Accept-Language`.
    """
    require_partner(request.user, code)
    month, _, form = period.partition(".")
    if form not in {"", "csv", "html"}:
        raise Problem("unknown_statement", f"There is no form {form}: there are csv and html.")
    drawn = await settling.statement(service_of(request), code, month)
    one = drawn.statement
    if form == "html":
        partner = (await settling.partner_of(service_of(request), code)).one
        language = language_of(request.headers.get("accept-language", ""))
        return Ready(page(one, drawn.lines, partner.name, language), media_type=HTML)
    if form == "csv" or wants_csv(request):
        number = one.code if one.number else ""
        name = f'attachment; filename="{number or code + "-" + month}.csv"'
        return Ready(
            as_csv(number, one.currency, drawn.lines), media_type=CSV, headers={"Content-Disposition": name}
        )
    return _tagged(drawn)


@post(
    "/v1/partners/{code:str}/statements/{period:str}/accept", tags=["Settlement"], status_code=200, responses=_ACTED
)  # fmt: skip
async def accept_statement(code: FromPath[str], period: FromPath[str], request: ApiRequest) -> StatementHead:
    """Accept a statement, also one that was in dispute; the same again is answered the same."""
    return await _act(request, code, period, "accept")


@post(
    "/v1/partners/{code:str}/statements/{period:str}/dispute", tags=["Settlement"], status_code=200,
    responses=problem_responses(
        "forbidden_partner", "unknown_partner", "unknown_statement", "unknown_line", "wrong_statement_status",
        "invalid_value",
    ),
)  # fmt: skip
async def dispute_statement(
    code: FromPath[str], period: FromPath[str], data: JSONBody[DisputeRequest], request: ApiRequest
) -> StatementHead:
    """Dispute lines of a statement, or the whole; the same again is answered the same."""
    return await _act(request, code, period, "dispute", data.lines, data.reason)


@post(
    "/v1/partners/{code:str}/statements/{period:str}/settle", tags=["Settlement"], status_code=200, responses=_ACTED
)  # fmt: skip
async def settle_statement(
    code: FromPath[str], period: FromPath[str], data: JSONBody[SettleRequest], request: ApiRequest
) -> StatementHead:
    """Note the payment that settles a statement; the same again is answered the same."""
    return await _act(request, code, period, "settle", payment=data.payment)


@post(
    "/v1/partners/{code:str}/statements/{period:str}/match", tags=["Settlement"], status_code=200,
    responses=problem_responses("forbidden_partner", "unknown_partner", "unknown_statement", "invalid_file"),
)  # fmt: skip
async def match_statement(
    code: FromPath[str], period: FromPath[str], data: JSONBody[MatchRequest], request: ApiRequest
) -> Comparison:
    """Compare a statement with the partner's own file, line by line, and keep the answer as the newest comparison."""
    require_partner(request.user, code)
    return await settling.match(service_of(request), code, period, data.lines, request.user.name)


@post(
    "/v1/partners/{code:str}/statements/{period:str}/match.csv", tags=["Settlement"], status_code=200,
    responses=problem_responses("forbidden_partner", "unknown_partner", "unknown_statement", "invalid_file"),
)  # fmt: skip
async def match_statement_file(code: FromPath[str], period: FromPath[str], request: ApiRequest) -> Comparison:
    """Compare a statement with the partner's own file as CSV: `reference,date,points`, perhaps `money` and `kind`."""
    require_partner(request.user, code)
    try:
        text = (await request.body()).decode()
    except UnicodeDecodeError as error:
        raise Problem("invalid_file", "The file isn't in UTF-8.") from error
    lines = matching.read(text)
    return await settling.match(service_of(request), code, period, lines, request.user.name)


@get(
    "/v1/partners/{code:str}/statements/{period:str}/match", tags=["Settlement"], responses=_READ
)  # fmt: skip
async def get_match(code: FromPath[str], period: FromPath[str], request: ApiRequest) -> Response[Comparison]:
    """Return the newest comparison of a statement with the partner's own file."""
    require_partner(request.user, code)
    return Ready(await settling.comparison(service_of(request), code, period))


@post(
    "/v1/partners/{code:str}/statements/{period:str}/adjustments", tags=["Settlement"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_partner", "unknown_statement", "unknown_line", "wrong_statement_status",
        "idempotency_key_reused", "invalid_value",
    ),
)  # fmt: skip
async def adjust_statement(
    code: FromPath[str],
    period: FromPath[str],
    data: JSONBody[SettlementAdjustmentRequest],
    request: ApiRequest,
) -> Response[SettlementAdjustmentReply]:
    """Resolve a dispute: owe the partner more, or less, by a line of the next statement. Needs an `Idempotency-Key`.

    The statement itself stays as it is. An adjustment of more points than the program's limit is proposed, and answered
    202; it takes a statement that isn't settled.
    """
    key = await key_of(request)
    return answered(await settling.adjust(service_of(request), code, period, data, request.user.name, key))


async def _act(
    request: ApiRequest, code: str, period: str, doing: Doing, lines: Sequence[int] = (), reason: str = "",
    payment: str = "",
) -> StatementHead:  # fmt: skip
    require_partner(request.user, code)
    done = await settling.act(
        service_of(request), code, period, doing, request.user.name, lines, reason, payment
    )
    return StatementHead(**_head(done))


def _tagged(drawn: Drawn, status: int = 200) -> Ready:
    one = drawn.statement
    headers = {"ETag": f'"{one.hash.hex()}"'} if one.hash else None
    return Ready(_encode(_view(drawn)), status, headers=headers)


def _head(one: Statement) -> dict[str, Any]:
    """Return the fields of a statement without its lines."""
    issued = bool(one.number)
    return {
        "number": one.code if issued else None, "partner": one.partner, "period": one.period,
        "status": one.status if issued else "open", "records": one.records, "points": one.points,
        "money": Payment(_money(one.money, one), one.currency), "hash": one.hash.hex() or None,
        "issued_at": one.issued_at if issued else None,
        "steps": [
            StatementStepView(step.status, step.actor, step.recorded_at, tuple(step.lines), step.reason, step.payment)
            for step in one.steps
        ],
    }  # fmt: skip


def _view(drawn: Drawn) -> StatementView:
    one = drawn.statement
    return StatementView(
        **_head(one),
        totals=[SumView(of.kind, of.records, of.points, _money(of.money, one)) for of in sums(drawn.lines)],
        properties=[ShareView(of.property, of.points, _money(of.money, one)) for of in shares(drawn.lines)],
        lines=[_line(line, one) for line in drawn.lines],
    )


def _line(line: Line, one: Statement) -> StatementLineView:
    return StatementLineView(
        line.line, line.kind, line.entry, line.reference, line.offer, line.quantity, line.points,
        _money(line.money, one), line.effective_on, line.properties,
    )  # fmt: skip


def _money(amount: int, one: Statement) -> str:
    return money.from_minor(amount, money.digits(one.currency))
