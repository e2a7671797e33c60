"""The SQL of reading rewards. They are written with the batch that changes them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from asyncpg import Pool, Record

from loyalty.db import Connection, load_queries
from loyalty.ids import UUID
from loyalty.ledger.model import Lot
from loyalty.rewards.model import GrantedReward, Listed, Place

QUERIES: Final = load_queries("loyalty.rewards")
_COLUMNS: Final = len(GrantedReward.__struct_fields__)

Given = tuple[GrantedReward, bool]
"""A reward, and whether any of its points were spent."""


async def find_given(connection: Connection, shard: int, places: Sequence[tuple[UUID, Place]]) -> list[Given]:
    """Return what crossings of members have given and is not revoked."""
    rows = await connection.fetch(
        QUERIES["find_given"], shard, [member for member, _ in places], [place[0] for _, place in places],
        [place[1] for _, place in places], [place[2] for _, place in places],
    )  # fmt: skip
    return [(_reward(row), row["spent"]) for row in rows]


async def find_taken_back(
    connection: Connection, shard: int, places: Sequence[tuple[UUID, Place]]
) -> list[GrantedReward]:
    """Return what crossings of members have given and is revoked."""
    rows = await connection.fetch(
        QUERIES["find_taken_back"], shard, [member for member, _ in places], [place[0] for _, place in places],
        [place[1] for _, place in places], [place[2] for _, place in places],
    )  # fmt: skip
    return [_reward(row) for row in rows]


async def find_alive(connection: Connection, shard: int, member_id: UUID) -> list[Given]:
    """Return all that a member's crossings have given and is not revoked."""
    rows = await connection.fetch(QUERIES["find_alive"], shard, member_id)
    return [(_reward(row), row["spent"]) for row in rows]


async def find_lots(connection: Connection, shard: int, lot_ids: Iterable[UUID]) -> list[Lot]:
    """Return the lots of rewards in points."""
    return [
        Lot(*row) for row in await connection.fetch(QUERIES["find_lots_of_rewards"], shard, list(lot_ids))
    ]


async def find_rewards(connection: Connection, shard: int, reward_ids: Sequence[UUID]) -> list[GrantedReward]:
    """Return rewards by id, with all else that the same crossings gave."""
    return [GrantedReward(*row) for row in await connection.fetch(QUERIES["find_rewards"], shard, reward_ids)]


async def find_due(
    connection: Connection, shard: int, member_ids: Sequence[UUID], today: date
) -> list[GrantedReward]:
    """Return members' rewards that something has to be done about, with all else that the same crossings gave."""
    rows = await connection.fetch(QUERIES["find_due_rewards"], shard, member_ids, today)
    return [GrantedReward(*row) for row in rows]


async def find_due_members(pool: Pool, shard: int, today: date, after: UUID, limit: int) -> list[UUID]:
    """Return members with a reward that something has to be done about, in the order of their ids."""
    rows = await pool.fetch(QUERIES["find_members_with_due_rewards"], shard, today, after, limit)
    return [row[0] for row in rows]


async def list_rewards(
    pool: Pool, shard: int, member_id: UUID, before: UUID, statuses: Sequence[str] | None, limit: int
) -> list[Listed]:
    """Return a page of a member's rewards, newest first."""
    rows = await pool.fetch(QUERIES["list_rewards"], shard, member_id, before, statuses, limit)
    return [Listed(_reward(row), tuple(row["taken"] or ())) for row in rows]


async def list_flagged(pool: Pool, before: UUID, limit: int) -> list[tuple[GrantedReward, str]]:
    """Return a page of flagged rewards, newest first, each with its member's number."""
    rows = await pool.fetch(QUERIES["list_flagged"], before, limit)
    return [(_reward(row), row["number"]) for row in rows]


def _reward(row: Record) -> GrantedReward:
    return GrantedReward(*tuple(row)[:_COLUMNS])
