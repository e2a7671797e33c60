"""The SQL of settlement: deposits, statements and what becomes of them, comparisons, reports."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import asyncpg
import msgspec
from msgspec import Struct, structs
from msgspec.structs import astuple

from loyalty.db import Connection
from loyalty.ids import UUID, shard_of, show
from loyalty.partners.accruals import Accrual, Deposit, Pool, fund_of
from loyalty.partners.statements import SIGNS, Happened, Line, Statement, Step, by_property
from loyalty.partners.store import QUERIES

_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_properties: Final = msgspec.json.Decoder(dict[str, int]).decode

Reader = Connection | asyncpg.Pool


class InDispute(Struct, frozen=True, gc=False):
    """Whose book something is in that a partner disputes, and how a statement names it."""

    member_id: UUID
    reference: str
    offer: str


# --- Accruals ---------------------------------------------------------------------------------------------------------


async def find_accruals(connection: Reader, partner: str, reference: str) -> list[Accrual]:
    """Return the points that a partner gave under a reference, then their reversal; none when it gave none."""
    return [Accrual(*row) for row in await connection.fetch(QUERIES["find_accruals"], partner, reference)]


async def write_deposit(connection: Connection, deposit: Deposit) -> Pool | None:
    """Note what a partner paid before, and return its fund; None when its reference was used before."""
    if await connection.fetchval(QUERIES["write_deposit"], *astuple(deposit)) is None:
        return None
    row: Any = await connection.fetchrow(QUERIES["raise_fund"], fund_of(deposit.partner), deposit.points)
    return Pool(*row)


async def read_fund(connection: Reader, partner: str) -> Pool | None:
    """Return what a partner paid before, and what of it is given; None when it never paid."""
    row = await connection.fetchrow(QUERIES["read_fund"], fund_of(partner))
    return None if row is None else Pool(*row)


# --- Statements -------------------------------------------------------------------------------------------------------


async def lock_turn(connection: Connection, partner: str) -> int:
    """Let nobody else issue a statement of a partner until the transaction ends; return how many there are."""
    return await connection.fetchval(QUERIES["lock_turn"], partner)


async def to_state(connection: Connection, partner: str, until: date) -> list[Happened]:
    """Return all that happened with a partner up to a day and is on no statement yet."""
    found = await _captures_and_refunds(connection, partner, until)
    for row in await connection.fetch(QUERIES["accruals_to_state"], partner, until):
        kind, shard, journal_id, reference, what, points, owed, day, at = row
        sign, entry = SIGNS[kind], show("jrn", journal_id)
        found.append(
            Happened(kind, shard, journal_id, entry, reference, what, 1, sign * points, sign * owed, day, at)
        )
    for row in await connection.fetch(QUERIES["adjustments_to_state"], partner, until):
        shard, journal_id, reference, offer, points, owed, day, at = row
        entry = show("jrn", journal_id)
        found.append(
            Happened("adjusted", shard, journal_id, entry, reference, offer, 1, points, owed, day, at)
        )
    return found


async def _captures_and_refunds(connection: Connection, partner: str, until: date) -> list[Happened]:
    rows = await connection.fetch(QUERIES["captures_and_refunds"], partner, until)
    hotels = await properties_of(
        connection, [(row["shard"], row["redemption_id"], row["journal_id"], row["kind"]) for row in rows]
    )
    found: list[Happened] = []
    for row in rows:
        sign = SIGNS[row["kind"]]
        points = sign * row["points"]
        found.append(
            Happened(
                row["kind"], row["shard"], row["journal_id"], show("red", row["redemption_id"]), row["reference"],
                row["offer"], row["quantity"], points, sign * row["money"], row["effective_on"], row["recorded_at"],
                by_property(points, hotels.get(row["journal_id"], {})),
            )
        )  # fmt: skip
    return found


async def properties_of(
    connection: Reader, steps: Sequence[tuple[int, UUID, UUID, str]]
) -> dict[UUID, dict[str, int]]:
    """Return the points of steps (shard, redemption, journal, kind) by the hotels where they were earned."""
    found: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    if steps:
        columns = [list(column) for column in zip(*steps, strict=True)]
        for journal_id, code, points in await connection.fetch(QUERIES["properties_of_steps"], *columns):
            found[journal_id][code] = points
    return found


async def write_statement(connection: Connection, one: Statement, lines: Sequence[Line]) -> None:
    """Write a statement with its lines and its first steps; its number is the last one that was taken."""
    await connection.execute(QUERIES["take_turn"], one.partner, one.number)
    *columns, _ = astuple(one)
    await connection.execute(QUERIES["write_statement"], *columns)
    rows = [
        (one.partner, one.number, *astuple(line)[:-1], _encode(line.properties).decode()) for line in lines
    ]
    await connection.execute(QUERIES["write_lines"], rows)
    for step in one.steps:
        await write_step(connection, one, step)


async def write_step(connection: Connection, one: Statement, step: Step) -> None:
    """Write what became of a statement."""
    await connection.execute(QUERIES["write_statement_step"], one.partner, one.number, *astuple(step))


async def read_statements(connection: Reader, partner: str, period: str | None = None) -> list[Statement]:
    """Return a partner's statements, the newest first, with what became of them; those of one period, if given."""
    found = [Statement(*row) for row in await connection.fetch(QUERIES["read_statements"], partner, period)]
    steps: defaultdict[int, list[Step]] = defaultdict(list)
    for number, *step in await connection.fetch(
        QUERIES["read_steps"], partner, [one.number for one in found]
    ):
        steps[number].append(Step(*step))
    return [structs.replace(one, steps=steps[one.number]) for one in found]


async def last_period(connection: Connection, partner: str) -> str:
    """Return the last month of which a partner has a statement; nothing when it has none."""
    return await connection.fetchval(QUERIES["last_period"], partner) or ""


async def read_lines(connection: Reader, partner: str, number: int) -> list[Line]:
    """Return the lines of a statement."""
    rows = await connection.fetch(QUERIES["read_lines"], partner, number)
    return [Line(*tuple(row)[:-1], properties=_properties(row["properties"])) for row in rows]


async def write_comparison(connection: Reader, one: Statement, result: bytes, actor: str, at: object) -> None:
    """Keep the comparison of a statement with the partner's file, instead of an older one."""
    await connection.execute(QUERIES["write_comparison"], one.partner, one.number, result.decode(), actor, at)


async def read_comparison(connection: Reader, one: Statement) -> bytes | None:
    """Return the newest comparison of a statement; None when there is none."""
    found = await connection.fetchval(QUERIES["read_comparison"], one.partner, one.number)
    return None if found is None else found.encode()


async def line_in_dispute(connection: Reader, one: Statement, line: int) -> InDispute | None:
    """Return what a line of a statement is about; None when there is no such line."""
    row = await connection.fetchrow(QUERIES["line_in_dispute"], one.partner, one.number, line)
    return None if row is None else InDispute(*row)


async def reference_in_dispute(
    connection: Reader, partner: str, reference: str, redemption_id: UUID | None
) -> InDispute | None:
    """Return what a partner knows by a reference, or we by the id of a redemption; None when there is nothing."""
    shard = shard_of(redemption_id) if redemption_id else 0
    row = await connection.fetchrow(
        QUERIES["reference_in_dispute"], partner, reference, redemption_id, shard if shard < 1 << 15 else -1
    )
    return None if row is None else InDispute(*row)


# --- Reports ----------------------------------------------------------------------------------------------------------

Rows = list[tuple[Any, ...]]


async def report_redemptions(connection: Reader, first: date, last: date, by: str) -> Rows:
    """Return what was captured and refunded from a day to another, by partner, offer, tier or month."""
    return await _rows(connection, QUERIES["report_redemptions"], first, last, by)


async def report_lots(connection: Reader, today: date) -> Rows:
    """Return what is left in lots by the full months until it expires."""
    return await _rows(connection, QUERIES["report_lots"], today)


async def report_held(connection: Reader) -> tuple[int, int, int]:
    """Return how many members hold points, how many points, and what members owe."""
    row: Any = await connection.fetchrow(QUERIES["report_held"])
    return row[0], row[1], row[2]


async def report_cost(connection: Reader, first: date, last: date) -> Rows:
    """Return what partners gave and took from a day to another, and the money owed for it."""
    return await _rows(connection, QUERIES["report_cost"], first, last)


async def report_issued(connection: Reader, first: date, last: date) -> Rows:
    """Return what points moved from which account to which, from a day to another."""
    return await _rows(connection, QUERIES["report_issued"], first, last)


async def report_properties(connection: Reader, first: date, last: date) -> Rows:
    """Return captures and refunds from a day to another."""
    return await _rows(connection, QUERIES["report_properties"], first, last)


async def _rows(connection: Reader, query: str, *values: object) -> Rows:
    return [tuple(row) for row in await connection.fetch(query, *values)]
