"""The SQL of warnings: points that are about to be lost are told of once, whoever runs the job and however often."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.events.model import PointsExpiring
from loyalty.ids import UUID, Mint, show

QUERIES: Final = load_queries("loyalty.events")
_FIRST: Final = UUID(bytes(16))
_PAGE: Final = 1000
_encode = msgspec.json.Encoder().encode


Spared = Callable[[Sequence[UUID], date], Awaitable[list[UUID]]]
"""Returns those of some members whose points stay although they would lapse on a day."""


class Warnings(Struct, frozen=True):
    """What to warn of on a day: losses so many days ahead; if points lapse, after how many months, but not before.

    `spared`: None where nobody's points stay then.
    """

    day: date
    ahead: tuple[int, ...]
    months: int | None = None
    since: date | None = None
    spared: Spared | None = None


async def last_warned(connection: Connection, shard: int) -> date | None:
    """Return the last day of which a shard's warnings are written; None when there is none."""
    return await connection.fetchval(QUERIES["last_warned"], shard)


async def warn(
    connection: Connection, shard: int, what: Warnings, today: date, mint: Mint, at: datetime
) -> int:
    """Write a shard's warnings of a day, all of them or none, unless they are written; return how many there are.

    Of a day that was missed, what is lost by today is told no more.
    """
    written = 0
    async with connection.transaction():
        if await connection.fetchval(QUERIES["claim_warnings"], shard, what.day) is None:
            return 0
        for ahead in what.ahead:
            on = what.day + timedelta(days=ahead)
            if on > today:
                written += await _warn_of(connection, shard, what, on, ahead, mint, at)
    return written


async def _warn_of(
    connection: Connection, shard: int, what: Warnings, on: date, ahead: int, mint: Mint, at: datetime
) -> int:
    after, written = _FIRST, 0
    spared = await _spared(connection, shard, what, on)
    while True:
        page = await connection.fetch(
            QUERIES["find_losses"], shard, on, what.months, what.since, after, _PAGE, spared
        )
        rows = list(_events(shard, page, on, ahead, mint, at))
        if rows:
            await connection.execute(QUERIES["write_events"], rows)
        written += len(rows)
        if len(page) < _PAGE:
            return written
        after = page[-1]["member_id"]


async def _spared(connection: Connection, shard: int, what: Warnings, on: date) -> list[UUID]:
    if what.spared is None:
        return []
    rows = await connection.fetch(QUERIES["find_lapsing"], shard, on, what.months, what.since)
    return await what.spared([row[0] for row in rows], on) if rows else []


def _events(
    shard: int, page: Iterable[Any], on: date, ahead: int, mint: Mint, at: datetime
) -> Iterable[tuple[object, ...]]:
    """Yield the events of those who lose something; each belongs to the journal that earned the first lot of it."""
    for member_id, lot_id, points in page:
        if points:
            told = _encode(PointsExpiring(show("mem", member_id), on, points, ahead)).decode()
            yield (shard, mint(shard), "points.expiring", member_id, lot_id, told, at)
