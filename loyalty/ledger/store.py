"""The SQL of reading the books: balances, statements, what is due."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import msgspec
from asyncpg import Pool, Record
from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.ids import UUID
from loyalty.ledger import counters as counting
from loyalty.ledger import traits as known_traits
from loyalty.ledger.model import POINTS, Choosing, Counters, Idling, Member
from loyalty.ledger.outlook import Expiring, Opening

QUERIES = load_queries("loyalty.ledger")
_READ = QUERIES["read_members"]
_READ_PLAIN = _READ.replace("c.choices", "NULL").rpartition("\nCROSS JOIN LATERAL")[0]
"""`read_members` without choices: a balance is asked for so often that even looking for none is felt."""

_FIRST_DAY: Final = date(1970, 1, 1)
_counters = msgspec.json.Decoder(Counters).decode


class Part(Struct, frozen=True):
    """What a journal moved of one unit, as one kind; below zero when it took. `pending`: of points that open later."""

    kind: str
    unit: str
    amount: int
    pending: bool = False


class Entry(Struct, frozen=True):
    """A journal as a statement shows it; `reply` is what the posting of a stay that caused it was answered."""

    journal_id: UUID
    version: int
    kind: str
    effective_on: date
    recorded_at: datetime
    reason: str
    actor: str
    stay_id: UUID | None
    linked_id: UUID | None
    balance: int
    parts: list[Part]
    reply: str | None = None


class Found(Struct, frozen=True, gc=False):
    """A member as read, with what of the open lots expires when, and what of them is pending until when.

    `choices` are rewards that wait to be chosen, soonest due first.
    """

    member: Member
    expiring: Expiring
    opening: Opening = ()
    choices: Sequence[Choosing] = ()


class Folded(Struct, frozen=True):
    """What a member's books came to by two dates; lots whose day has come since it was last written down are as before.

    `points` are those available and those pending, together; those `held` are apart.
    `opening` is of all lots that didn't open at once.
    """

    points: int
    held: int
    debt: int
    counters: Counters
    expiring: Expiring
    opening: Opening


_choices = msgspec.json.Decoder(list[Choosing]).decode
_parts = msgspec.json.Decoder(list[Part]).decode


async def read_members(
    pool: Pool, shards: Sequence[int], ids: Sequence[UUID | None], numbers: Sequence[str | None], *,
    choices: bool,
) -> list[Found | None]:  # fmt: skip
    """Return members by id or number (one of the two each), as they are; None for one that isn't there.

    `choices`: with the choices of rewards that wait to be made.
    """
    found: list[Found | None] = [None] * len(shards)
    for row in await pool.fetch(_READ if choices else _READ_PLAIN, shards, ids, numbers):
        place, shard, member_id, number, status, enrolled_on, *rest = row
        version, available, held, debt, counters, due, traits, tier, review_on, pending, active_on, *lots = (
            rest
        )
        days, points, opening, waiting = lots
        member = Member(
            shard,
            member_id,
            number,
            status,
            enrolled_on,
            version,
            available,
            held,
            debt,
            _counters(counters),
            due,
            known_traits.read(traits),
            tier,
            review_on,
            pending,
            active_on,
        )
        expiring = list(zip(days, points, strict=True)) if days else []
        found[place - 1] = Found(member, expiring, opening or (), _choices(waiting) if waiting else ())
    return found


async def fold(
    connection: Connection,
    member: Member,
    effective_by: date,
    recorded_by: datetime,
    *,
    by_day: tuple[str, ...],
) -> Folded:
    """Return what a member's books came to by two dates, with counters by day or by year."""
    key = (member.shard, member.member_id, effective_by, recorded_by)
    async with connection.transaction():
        await connection.execute(QUERIES["lock_member_to_read"], member.shard, member.member_id)
        transfers = await connection.fetch(QUERIES["fold_transfers"], *key)
        lots = await connection.fetch(QUERIES["fold_lots"], *key)
    counters: Counters = {}
    points = held = 0
    for unit, day, amount, kept in transfers:
        if unit == POINTS:
            points += amount
            held += kept
        elif amount:
            counting.count(counters, unit, day, amount, by_day)
    expiring: dict[date, int] = {}
    in_lots = 0
    for _, expires_on, left in lots:
        in_lots += left
        if expires_on is not None:
            expiring[expires_on] = expiring.get(expires_on, 0) + left
    opening = [(opens_on, expires_on, left) for opens_on, expires_on, left in lots if opens_on is not None]
    return Folded(points, held, max(0, in_lots - points), counters, list(expiring.items()), opening)


async def read_statement(pool: Pool, shard: int, member_id: UUID, before: int, limit: int) -> list[Entry]:
    """Return journals of a member before a version, newest first."""
    rows = await pool.fetch(QUERIES["read_statement"], shard, member_id, before, limit)
    return [_entry(row) for row in rows]


def _entry(row: Record) -> Entry:
    return Entry(
        row["journal_id"], row["version"], row["kind"], row["effective_on"], row["recorded_at"], row["reason"],
        row["actor"], row["stay_id"], row["linked_id"], row["balance"], _parts(row["parts"]), row["reply"],
    )  # fmt: skip


async def find_due_members(pool: Pool, shard: int, today: date, after: UUID, limit: int) -> list[UUID]:
    """Return members with something that may be due to open or to expire, in the order of their ids."""
    return [row[0] for row in await pool.fetch(QUERIES["find_due_members"], shard, today, after, limit)]


async def find_idle_members(pool: Pool, shard: int, idling: Idling, after: UUID, limit: int) -> list[UUID]:
    """Return members whose points lapse before they are due, as that is on file, in the order of their ids."""
    rows = await pool.fetch(
        QUERIES["find_idle_members"], shard, after, idling.months, max(idling.since, _FIRST_DAY), limit
    )
    return [row[0] for row in rows]


async def find_members_to_review(pool: Pool, shard: int, today: date, after: UUID, limit: int) -> list[UUID]:
    """Return members whose tier may have changed, in the order of their ids."""
    return [row[0] for row in await pool.fetch(QUERIES["find_members_to_review"], shard, today, after, limit)]


async def fold_accounts(pool: Pool, shard: int) -> None:
    """Fold the deltas of a shard's program accounts into their totals."""
    await pool.execute(QUERIES["fold_accounts"], shard)
