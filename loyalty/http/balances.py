"""`/v1/members/{id}/balance`, `/v1/balances`, `/v1/members/{id}/statement`: what a booking site shows."""

import base64
import datetime as dt
import re
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct, structs

from loyalty import balances, ids
from loyalty.commands.balance import BalanceView, etag
from loyalty.commands.explain import Explained, explain
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem, ProblemDocument
from loyalty.http.answers import Ready
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, bad_parameter, header, matches, member_of, service_of
from loyalty.ledger.model import POINTS
from loyalty.ledger.store import Entry
from loyalty.program.visit import Why
from loyalty.program.wording import Language, language_of
from loyalty.stays.model import MemberKey

_encode = msgspec.json.Encoder().encode
_said = msgspec.json.Decoder(Explained).decode
_FIRST_PAGE: Final = 2**62
_FIRST_INSTANT: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_CURSOR: Final = re.compile(rb"v([0-9]{1,18})")


class BalancesRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Up to 1,000 members, by number or id."""

    members: Annotated[list[MemberKey], Meta(min_length=1, max_length=1000)]


class BalanceResult(Struct, frozen=True, omit_defaults=True):
    """The member as asked for, with its balance or, for an unknown one, a problem document."""

    member: str
    balance: BalanceView | None = None
    problem: ProblemDocument | None = None


class BalancesReply(Struct, frozen=True):
    """A result for each member asked for, in order."""

    balances: list[BalanceResult]


class PartView(Struct, frozen=True, omit_defaults=True):
    """What a line moved, by unit and kind: points, or what is counted (`count`); `pending`: points that open later."""

    kind: str
    unit: str
    amount: str
    pending: bool = False


class StatementLine(Struct, frozen=True):
    """One journal of a member. `points` is what it changed of what is available, `balance` what that came to.

    `pending` is what it changed of what can't be spent yet.

    Of a stay: which version of the program judged it, why, and that in sentences, in the language of `Accept-Language`.
    """

    journal_id: str
    version: int
    kind: str
    effective_on: dt.date
    recorded_at: dt.datetime
    points: int
    balance: int
    reason: str
    actor: str
    stay_id: str | None
    linked_journal_id: str | None
    parts: list[PartView]
    program: str | None = None
    why: list[Why] = []
    text: list[str] = []
    pending: int = 0


class Statement(Struct, frozen=True):
    """A page of a member's journals, newest first."""

    lines: list[StatementLine]
    next_cursor: str | None


@get("/v1/members/{member_id:str}/balance", tags=["Balances"], responses=problem_responses("unknown_member"))
async def get_balance(
    member_id: FromPath[str], request: ApiRequest, as_of: FromQuery[dt.date | None] = None,
    known_at: FromQuery[dt.datetime | None] = None,
) -> Response[BalanceView]:  # fmt: skip
    """Return points, what expires when, tier, progress and milestones ahead; now, or on a day (`as_of`).

    `known_at` asks for that day's balance as it was known at an instant; that answer never changes.
    """
    service, found = service_of(request), await member_of(request, member_id)
    if as_of is not None or known_at is not None:
        view = await balances.as_of(service, found.member, as_of or service.today(), _past(known_at, request))
        return Ready(_encode(view))
    today = service.today()
    if found.member.traits.household is not None:
        # What the others have moves without this member: there is no tag to go by.
        return Ready(
            _encode(
                structs.replace(
                    balances.now(service, found, today), pool=await balances.pool_of(service, found.member)
                )
            )
        )
    tag = etag(service.rules, found.member, today)
    if (known := header(request, b"if-none-match")) and matches(known, tag):
        return Ready(b"", 304, headers={"ETag": tag})
    body = _encode(balances.now(service, found, today))
    return Ready(body, headers={"ETag": tag})


@post("/v1/balances", tags=["Balances"], status_code=200)
async def get_balances(data: JSONBody[BalancesRequest], request: ApiRequest) -> BalancesReply:
    """Return the balances of up to 1,000 members in one go."""
    service = service_of(request)
    found = await service.find_members(data.members)
    unknown = Problem("unknown_member").document()
    results = [
        BalanceResult(key, balances.now(service, one)) if one else BalanceResult(key, problem=unknown)
        for key, one in zip(data.members, found, strict=True)
    ]
    return BalancesReply(results)


@get(
    "/v1/members/{member_id:str}/statement", tags=["Balances"], responses=problem_responses("unknown_member")
)
async def get_statement(
    member_id: FromPath[str], request: ApiRequest, limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: FromQuery[str | None] = None,
) -> Statement:  # fmt: skip
    """Return a member's journals, newest first, with the running balance and the reason of each."""
    service, before = service_of(request), _read_cursor(cursor)
    found = await member_of(request, member_id)
    entries = await balances.statement(service, found.member, before, limit + 1)
    more = entries[limit - 1].version if len(entries) > limit else None
    language = language_of(request.headers.get("accept-language", ""))
    lines = [_line(service.rules, entry, language) for entry in entries[:limit]]
    return Statement(lines, None if more is None else _write_cursor(more))


def _past(known_at: dt.datetime | None, request: ApiRequest) -> dt.datetime | None:
    if known_at is None:
        return None
    # A number would be taken for seconds since 1970: whoever writes a day without hyphens means something else.
    if known_at.tzinfo is None or "-" not in request.query_params["known_at"][1:]:
        raise bad_parameter("known_at", "Needs a time zone, like 2026-01-31T12:00:00Z.")
    if known_at > service_of(request).clock.now():
        raise bad_parameter("known_at", "Is in the future.")
    # Nothing was recorded before, and the first hours of the calendar can't be told in every time zone.
    return max(known_at, _FIRST_INSTANT)


def _line(rules: Rulebook, entry: Entry, language: Language) -> StatementLine:
    said = None if entry.reply is None else _said(entry.reply)
    told: tuple[str | None, list[Why], list[str]] = (None, [], [])
    if said is not None:
        told = (said.program, said.why, explain(rules, said.program, said.why, language))
    return StatementLine(
        ids.show("jrn", entry.journal_id), entry.version, entry.kind, entry.effective_on, entry.recorded_at,
        sum(part.amount for part in entry.parts if part.unit == POINTS and not part.pending), entry.balance,
        entry.reason, entry.actor,
        None if entry.stay_id is None else ids.show("sty", entry.stay_id),
        None if entry.linked_id is None else ids.show("jrn", entry.linked_id),
        [PartView(part.kind, part.unit, rules.show(part.unit, part.amount), part.pending) for part in entry.parts],
        *told, sum(part.amount for part in entry.parts if part.pending),
    )  # fmt: skip


def _write_cursor(version: int) -> str:
    return base64.urlsafe_b64encode(b"v%d" % version).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> int:
    if cursor is None:
        return _FIRST_PAGE
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    if found is None:
        raise bad_parameter("cursor", "Not a cursor of ours: take it from next_cursor.")
    return int(found[1])
