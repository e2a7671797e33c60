"""The SQL of the vault."""

from asyncpg import Pool

from loyalty.db import load_queries
from loyalty.ids import UUID
from loyalty.members.model import SealedProfile

QUERIES = load_queries("loyalty.members")


async def read_profile(pool: Pool, shard: int, member_id: UUID) -> SealedProfile | None:
    """Return a member's sealed profile; None when there is none, or when it was erased."""
    row = await pool.fetchrow(QUERIES["read_profile"], shard, member_id)
    return None if row is None or row["sealed_key"] is None else SealedProfile(*row)
