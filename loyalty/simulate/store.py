"""The SQL of simulations: all histories, in the snapshot of the transaction that the caller has opened."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from loyalty.db import Connection, load_queries
from loyalty.ledger import traits as known_traits
from loyalty.ledger.model import Member

QUERIES: Final = load_queries("loyalty.simulate")
_PAGE: Final = 2_000
"""Rows to take at a time."""


async def prepare(connection: Connection) -> None:
    """Give the transaction memory for sorting."""
    await connection.execute(QUERIES["work_memory"])


async def alone(connection: Connection) -> bool:
    """Tell whether no other simulation runs that asked to be alone; from now on this one does."""
    return await connection.fetchval(QUERIES["alone"])


async def read_sizes(connection: Connection) -> dict[int, int]:
    """Return how many members each shard has."""
    shards = [row[0] for row in await connection.fetch(QUERIES["shards"])]
    return {shard: await connection.fetchval(QUERIES["size"], shard) for shard in shards}


async def read_brands(connection: Connection) -> dict[str, str]:
    """Return the brands of properties, by code."""
    return {row[0]: row[1] for row in await connection.fetch(QUERIES["brands"])}


async def histories(connection: Connection, shard: int) -> AsyncGenerator[Sequence[Any]]:
    """Yield the rows of all members of a shard, page by page; while one is used, the next one is on its way."""
    cursor = await connection.cursor(QUERIES["histories"], shard)
    ahead = asyncio.ensure_future(cursor.fetch(_PAGE))
    try:
        while rows := await ahead:
            ahead = asyncio.ensure_future(cursor.fetch(_PAGE))
            # Only now is it asked for.
            await asyncio.sleep(0)
            yield rows
    finally:
        await asyncio.wait([ahead])


def read_member(shard: int, row: Any) -> Member:
    """Return the member of a row, without anything counted."""
    member_id, number, status, enrolled_on, traits = row[:5]
    known = known_traits.read(traits)
    return Member(shard, member_id, number, status, enrolled_on, 0, 0, 0, 0, {}, None, known)
