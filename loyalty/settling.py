"""What partners give and are owed, as routes ask for it: accruals, deposits, statements, matching, disputes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import asyncpg
import msgspec
import structlog
from msgspec import Struct, structs

from loyalty import ids
from loyalty.commands import store as commands_store
from loyalty.commands.accrue import AccrualRequest, AccrualView, Accrue, view
from loyalty.commands.model import Answer, Decision, Key, Move, Result, replay, settle
from loyalty.commands.reverse_accrual import ReverseAccrual, ReverseAccrualRequest
from loyalty.commands.settle_adjust import Adjustable, SettleAdjust, SettlementAdjustmentRequest
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.partners import accruals, statements
from loyalty.partners import settlement_store as store
from loyalty.partners.accruals import Deposit, Pool
from loyalty.partners.catalogue import Filed
from loyalty.partners.matching import ComparedLine, Counts, TheirLine, check, compare, counts
from loyalty.partners.model import Partner
from loyalty.partners.statements import Doing, Line, Statement, Step
from loyalty.service import Service

_log = structlog.get_logger("loyalty.settling")

_TRIES: Final = 5
_RETRY_AFTER: Final = {"Retry-After": "1"}
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_DONE: Final[Mapping[str, str]] = {"accept": "accepted", "dispute": "disputed", "settle": "settled"}

encode: Final = msgspec.json.Encoder().encode


class Drawn(Struct, frozen=True):
    """A statement with its lines: one that was issued, or (number 0, without hash) what the next one would have."""

    statement: Statement
    lines: Sequence[Line]
    comparison: bytes | None = None


class Comparison(Struct, frozen=True):
    """A statement beside the partner's own file, line by line."""

    statement: str
    counts: Counts
    lines: Sequence[ComparedLine]


class Fund(Struct, frozen=True):
    """Points that a partner paid before: in all, what of them is given, and what is left."""

    partner: str
    account: str
    paid: int
    given: int
    left: int


# --- Accruals ---------------------------------------------------------------------------------------------------------


async def partner_of(service: Service, code: str) -> Filed[Partner]:
    """Return a partner as it is on file; raise Problem when there is none."""
    found = (await service.refresh_catalogue()).partner(code)
    if found is None:
        raise Problem("unknown_partner", f"There is no partner {code}.")
    return found


async def accrue(
    service: Service, code: str, request: AccrualRequest, actor: str, key: Key, person: UUID | None = None
) -> Answer:
    """Credit points that a partner gives; `person` holds the caller's key. Raise Problem when it is refused."""
    partner = (await partner_of(service, code)).one
    found = await service.find_member(request.member)
    command = Accrue(partner, found.member.member_id if found else None, request, actor, key, person)
    return await _concluded(service, lambda connection: service.joints.accrue(connection, command))


async def accrual(service: Service, code: str, reference: str) -> AccrualView:
    """Return points that a partner gave; raise Problem when there are none."""
    await partner_of(service, code)
    known = await store.find_accruals(service.pool, code, _reference(reference))
    if not known:
        raise _no_accrual(reference)
    return view(known[0], known[1] if len(known) > 1 else None)


async def reverse_accrual(
    service: Service, code: str, reference: str, request: ReverseAccrualRequest, actor: str, key: Key
) -> Answer:
    """Take back points that a partner gave; raise Problem when it is refused."""
    await partner_of(service, code)
    known = await store.find_accruals(service.pool, code, _reference(reference))
    found = await service.find_member(show("mem", known[0].member_id)) if known else None
    command = ReverseAccrual(code, reference, found.member.member_id if found else None, request, actor, key)
    return await _concluded(service, lambda connection: service.joints.reverse_accrual(connection, command))


def _reference(text: str) -> str:
    """Return a reference that a path names; raise Problem when it can't be one: nothing is asked for then."""
    if not accruals.is_reference(text):
        raise _no_accrual(text)
    return text


def _no_accrual(reference: str) -> Problem:
    return Problem("unknown_accrual", f"The partner gave no points as {reference}.")


async def deposit(service: Service, one: Deposit, key: Key) -> Answer:
    """Note what a partner paid before; raise Problem when it is refused."""

    async def write(connection: Connection) -> Result:
        async with connection.transaction():
            prior = (await commands_store.find_keys(connection, [key])).get((key.principal, key.key))
            known = replay(prior, key)
            if known is not None:
                return known
            pool = await store.write_deposit(connection, one)
            result: Decision | Problem = (
                Problem("reference_taken", f"{one.reference} was paid before.", at="/reference")
                if pool is None
                else Decision(Answer(201, encode(fund_view(one.partner, "prepaid", pool))), key=key)
            )
            settled = settle(result, key)
            if isinstance(settled, Decision):
                await commands_store.write(connection, 0, [settled], service.clock.now(), service.codes)
            return settled

    return await _concluded(service, write)


async def fund(service: Service, code: str) -> Fund:
    """Return what a partner may still give of what it paid for; raise Problem when there is no such partner."""
    account = (await partner_of(service, code)).one.contract.account
    return fund_view(code, account, await store.read_fund(service.pool, code) or Pool(0, 0))


def fund_view(code: str, account: str, pool: Pool) -> Fund:
    """Return a fund as the API shows it."""
    return Fund(code, account, pool.budget, pool.taken, pool.left)


async def _concluded(service: Service, work: Callable[[Connection], Awaitable[Move | Result]]) -> Answer:
    """Run a transaction, again if it lost a race, and return its answer; raise Problem when it is refused."""
    for _ in range(_TRIES):
        try:
            async with service.pool.acquire() as connection:
                result = await work(connection)
        except (asyncpg.PostgresError, OSError) as error:
            _log.warning("settling_rerun", error=repr(error))
            continue
        if isinstance(result, Problem):
            raise result
        assert isinstance(result, Decision | Move), "what a partner gives touches one member"
        return result.answer
    raise Problem("unavailable", headers=_RETRY_AFTER)


# --- Statements -------------------------------------------------------------------------------------------------------


async def issue(service: Service, code: str, period: str, actor: str) -> tuple[Drawn, bool]:
    """Issue a partner's statement of a month; return it, and whether it is new. Raise Problem when it can't be.

    It has all that happened up to the end of the month and is on no statement yet. What is on its way when the month
    ends is waited for; whatever is recorded later falls into the next statement, so that nothing is lost.
    """
    partner = (await partner_of(service, code)).one
    until = statements.last_day(period)
    if until is None:
        raise Problem("invalid_value", "Expected a month like 2026-03.", at="/period")
    if until >= service.today():
        raise Problem("period_not_over", f"The month ends on {until}.", at="/period")
    if service.today() - until == timedelta(days=1):
        await asyncio.sleep(max(0.0, service.settles_in - _since_midnight(service)))
    async with service.pool.acquire() as connection, connection.transaction():
        number = await store.lock_turn(connection, code) + 1
        [known] = await store.read_statements(connection, code, period) or [None]
        if known is not None:
            return Drawn(known, await store.read_lines(connection, code, known.number)), False
        last = await store.last_period(connection, code)
        if last > period:
            raise Problem("period_closed", f"The statement of {last} has what was open then.", at="/period")
        lines = statements.order(await store.to_state(connection, code, until))
        one = _drawn(partner, period, number, lines)
        issued = Step(1, "issued", [], "", "", actor, service.clock.now())
        one = structs.replace(one, issued_at=issued.recorded_at, issued_by=actor, steps=(issued,))
        await store.write_statement(connection, one, lines)
    _log.info("statement_issued", statement=one.code, records=one.records)
    return Drawn(one, lines), True


def _since_midnight(service: Service) -> float:
    """Return how many seconds old the program's day is."""
    now = service.clock.now().astimezone(service.rules.zone)
    return (now - now.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds()


def _drawn(partner: Partner, period: str, number: int, lines: Sequence[Line]) -> Statement:
    """Return what lines come to as a statement, before anybody issues it."""
    currency = partner.contract.currency
    digest = statements.hash_of(statements.code_of(partner.code, period, number), currency, lines)
    return Statement(
        partner.code, number, period, currency, len(lines), sum(one.points for one in lines),
        sum(one.money for one in lines), digest, _NEVER, "",
    )  # fmt: skip


async def list_statements(service: Service, code: str) -> list[Statement]:
    """Return a partner's statements, the newest first; raise Problem when there is no such partner."""
    await partner_of(service, code)
    return await store.read_statements(service.pool, code)


async def statement(service: Service, code: str, period: str) -> Drawn:
    """Return a partner's statement of a month, as it was issued, or as it stands while it is open.

    Raise Problem when it is no month, or one that a later statement has taken what was open of.
    """
    partner, until = (await partner_of(service, code)).one, _until(period)
    async with service.pool.acquire() as connection:
        found = await store.read_statements(connection, code, period)
        if found:
            lines = await store.read_lines(connection, code, found[0].number)
            return Drawn(found[0], lines, await store.read_comparison(connection, found[0]))
        if period < await store.last_period(connection, code):
            raise _no_statement(period)
        lines = statements.order(await store.to_state(connection, code, until))
    return Drawn(structs.replace(_drawn(partner, period, 0, lines), hash=b""), lines)


def _until(period: str) -> date:
    """Return the last day of the month that a path names; raise Problem when it is none: nothing is asked for then."""
    until = statements.last_day(period)
    if until is None:
        raise _no_statement(period)
    return until


def _no_statement(period: str) -> Problem:
    return Problem("unknown_statement", f"There is no statement of {period}.")


async def act(
    service: Service, code: str, period: str, doing: Doing, actor: str, lines: Sequence[int] = (), reason: str = "",
    payment: str = "",
) -> Statement:  # fmt: skip
    """Accept, dispute or settle a statement; the same again changes nothing. Raise Problem when it can't be done."""
    await partner_of(service, code)
    _until(period)
    async with service.pool.acquire() as connection, connection.transaction():
        one = await _locked(connection, code, period)
        last = one.steps[-1]
        if (last.status, list(last.lines), last.reason, last.payment) == (
            _DONE[doing], list(lines), reason, payment,
        ):  # fmt: skip
            return one
        to = statements.move(one.status, doing)
        statements.check_lines(lines, one.records)
        step = Step(last.step + 1, to, list(lines), reason, payment, actor, service.clock.now())
        await store.write_step(connection, one, step)
        return structs.replace(one, steps=(*one.steps, step))


async def _locked(connection: Connection, code: str, period: str) -> Statement:
    """Return a statement that was issued, which nobody else changes until the transaction ends."""
    await store.lock_turn(connection, code)
    found = await store.read_statements(connection, code, period)
    if not found:
        raise Problem("unknown_statement", f"The statement of {period} hasn't been issued.")
    return found[0]


async def match(
    service: Service, code: str, period: str, lines: Sequence[TheirLine], actor: str
) -> Comparison:
    """Compare a statement with the partner's own file, and keep the answer; raise Problem when it can't be."""
    check(lines)
    drawn = await statement(service, code, period)
    if not drawn.statement.number:
        raise Problem("unknown_statement", f"The statement of {period} hasn't been issued.")
    one = drawn.statement
    compared = compare(drawn.lines, lines, one.currency)
    result = Comparison(one.code, counts(compared), compared)
    await store.write_comparison(service.pool, one, encode(result), actor, service.clock.now())
    return result


async def comparison(service: Service, code: str, period: str) -> bytes:
    """Return the newest comparison of a statement; raise Problem when there is none."""
    found = (await statement(service, code, period)).comparison
    if found is None:
        raise Problem("unknown_statement", f"The statement of {period} was compared with no file.")
    return found


async def adjust(
    service: Service, code: str, period: str, request: SettlementAdjustmentRequest, actor: str, key: Key
) -> Answer:
    """Resolve a dispute about a statement by an adjustment, or propose to; raise Problem when it is refused."""
    partner = (await partner_of(service, code)).one
    _until(period)
    found = await store.read_statements(service.pool, code, period)
    if not found:
        raise Problem("unknown_statement", f"The statement of {period} hasn't been issued.")
    if (request.line is None) == (request.reference is None):
        raise Problem("invalid_value", "Name either a line or a reference.", at="/line")
    about, member_id = await _about(service, found[0], request), None
    if about is not None:
        holder = await service.find_member(show("mem", about.member_id))
        member_id = holder.member.member_id if holder else None
    command = SettleAdjust(partner, member_id, about, request, actor, key)
    return await _concluded(service, lambda connection: service.joints.settle_adjust(connection, command))


async def _about(service: Service, one: Statement, request: SettlementAdjustmentRequest) -> Adjustable | None:
    if request.line is not None:
        found = await store.line_in_dispute(service.pool, one, request.line)
    else:
        reference = request.reference or ""
        redemption_id = ids.parse("red", reference)
        found = await store.reference_in_dispute(service.pool, one.partner, reference, redemption_id)
    if found is None:
        return None
    return Adjustable(found.member_id, found.reference, found.offer, one.period, one.number, request.line)
