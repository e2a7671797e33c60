"""`books`: one SHA-256 over what every member has, by member number. Equal books have equal digests.

No id, no time of recording and no shard goes in, so neither the order of posting nor the ids minted on the way matter.
Points whose time is up by the day count as expired, whether or not that was written down.
"""

from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from asyncpg import Connection
from msgspec import Struct

from loyalty.commands.rulebook import Rulebook
from loyalty.ledger.counters import by_year
from loyalty.ledger.model import Counters
from loyalty.ledger.outlook import look
from loyalty.verify import store

_line = msgspec.json.Encoder(order="sorted").encode


class Line(Struct, frozen=True, omit_defaults=True):
    """What one member has on a day; written as one line of JSON with sorted keys and a newline."""

    number: str
    available: int
    held: int
    debt: int
    counters: Counters
    tier: str
    milestones: list[tuple[str, int]]
    expiring: list[tuple[date | None, int]]
    pending: int = 0
    opening: list[tuple[date, int]] = []


async def digest(connection: Connection, rules: Rulebook, as_of: date) -> str:
    """Return the digest of the books on a day, as they are in the caller's snapshot."""
    total = sha256()
    async for row in store.stream_books(connection):
        total.update(_line(draw_up(row, rules, as_of)) + b"\n")
    return total.hexdigest()


def draw_up(row: Any, rules: Rulebook, as_of: date) -> Line:
    """Draw up the line of a member from a row of the books."""
    member = store.read_member(row)
    lots: list[tuple[date | None, int]] = list(zip(row["days"] or (), row["points"] or (), strict=True))
    dated = [(day, left) for day, left in lots if day is not None]
    has = look(member, dated, row["opening"] or (), as_of, rules.at(as_of).lapses_on(member))
    never = max(0, has.available) - sum(left for _, left in has.expiring)
    return Line(
        member.number, has.available, member.held, max(0, -has.available), by_year(member.counters),
        rules.tiers.on(member, as_of).code,
        sorted(zip(row["milestones"] or (), row["ordinals"] or (), strict=True)),
        [*has.expiring, *([(None, never)] if never else [])], has.pending, has.opening,
    )  # fmt: skip
