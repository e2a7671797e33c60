"""The SQL of reading stays, and the register of properties."""

from datetime import datetime

from asyncpg import Pool
from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.ids import UUID
from loyalty.stays.properties import Property, PropertyName

QUERIES = load_queries("loyalty.stays")


class Revision(Struct, frozen=True):
    """One thing that was said about a stay, as it is on file."""

    revision: int
    member_id: UUID
    outcome: str
    snapshot: str
    award: str
    reply: str
    journal_id: UUID | None
    recorded_at: datetime


async def read_stay(pool: Pool | Connection, shard: int, stay_id: UUID) -> list[Revision]:
    """Return a stay's revisions, newest first; none when there is no such stay."""
    return [Revision(*row) for row in await pool.fetch(QUERIES["read_stay"], shard, stay_id)]


async def find_stay(
    connection: Connection, source: str, property_code: str, stay_ref: str, leg: int
) -> UUID | None:
    """Return the id that a stay's natural key leads to; None when there is none."""
    return await connection.fetchval(QUERIES["find_stay"], source, property_code, stay_ref, leg)


async def read_properties(pool: Pool) -> dict[str, Property]:
    """Return all properties by code."""
    rows = await pool.fetch(QUERIES["read_properties"])
    return {
        code: Property(code, PropertyName(en, zh), zone, currency, brand)
        for code, en, zh, zone, currency, brand in rows
    }


async def write_property(pool: Pool, one: Property) -> None:
    """Add a property, or change what is known of it."""
    await pool.execute(
        QUERIES["write_property"],
        one.code,
        one.name.en,
        one.name.zh,
        one.time_zone,
        one.currency,
        one.brand,
    )
