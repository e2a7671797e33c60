"""The SQL of a program's versions."""

import datetime as dt
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from typing import Final

from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.ids import UUID

QUERIES = load_queries("loyalty.program")

_HOUR: Final = 3_600_000
"""In milliseconds: longer than any batch is under way."""


class Version(Struct, frozen=True):
    """A version as it was published: the TOML text, and the day it comes into force."""

    version: int
    program: str
    effective_from: date
    definition: str
    published_by: str
    published_at: dt.datetime


class Pool(Struct, frozen=True):
    """A promotion's budget, and what of it shards have taken for themselves."""

    promotion: str
    budget: int
    leased: int


async def read_versions(connection: Connection) -> tuple[int, list[Version]]:
    """Return the generation and all versions, the first in force first."""
    generation = await connection.fetchval(QUERIES["read_generation"])
    return generation, [Version(*row) for row in await connection.fetch(QUERIES["read_versions"])]


async def read_generation(connection: Connection) -> int:
    """Return the number that goes up with each change of the versions."""
    return await connection.fetchval(QUERIES["read_generation"])


async def lock_versions(connection: Connection) -> None:
    """Let nobody else publish until the transaction ends."""
    await connection.execute(QUERIES["lock_versions"])


async def last_judged(connection: Connection) -> date | None:
    """Return the last check-out that a stay was judged at; None when there is none."""
    return await connection.fetchval(QUERIES["last_judged"])


async def hold_posters(connection: Connection) -> date | None:
    """Keep everybody from posting until the transaction ends; return the last check-out judged lately, if any.

    Ids of journals are made in the order of time, nearly: what was under way when this began is among the last ones.
    """
    newest = await connection.fetch(QUERIES["newest_journals"])
    await connection.execute(QUERIES["hold_posters"])
    return await connection.fetchval(
        QUERIES["last_judged_since"],
        [shard for shard, _ in newest],
        [_shortly_before(one) for _, one in newest],
    )


def _shortly_before(journal_id: UUID | None) -> UUID:
    """Return an id before all those of the hour that ends with this one; the first 48 bits are milliseconds."""
    at = 0 if journal_id is None else int.from_bytes(journal_id.bytes[:6], "big")
    return UUID(max(0, at - _HOUR).to_bytes(6, "big") + bytes(10))


async def write_version(connection: Connection, one: Version) -> None:
    """Add a version."""
    await connection.execute(
        QUERIES["write_version"], one.version, one.program, one.effective_from, one.definition,
        sha256(one.definition.encode()).digest(), one.published_by, one.published_at,
    )  # fmt: skip


async def withdraw_version(connection: Connection, version: int) -> None:
    """Take away a version that was never used."""
    await connection.execute(QUERIES["withdraw_version"], version)


async def next_generation(connection: Connection) -> None:
    """Say that the versions have changed."""
    await connection.execute(QUERIES["next_generation"])


async def review_all(connection: Connection, by_day: Sequence[str]) -> None:
    """Have every member reviewed whose counts are kept by year."""
    await connection.execute(QUERIES["review_all"], by_day)


async def review_from(connection: Connection, day: date) -> None:
    """Have every member reviewed on a day, or before."""
    await connection.execute(QUERIES["review_from"], day)


async def read_pools(connection: Connection) -> list[Pool]:
    """Return the budgets of promotions."""
    return [Pool(*row) for row in await connection.fetch(QUERIES["read_pools"])]


async def write_pools(connection: Connection, budgets: Sequence[tuple[str, int]]) -> None:
    """Set the budgets of promotions."""
    await connection.executemany(QUERIES["write_pool"], budgets)
