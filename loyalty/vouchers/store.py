"""The SQL of reading vouchers. They are written with the batch that changes them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from asyncpg import Pool, Record
from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.ids import UUID
from loyalty.vouchers.model import Voucher

QUERIES: Final = load_queries("loyalty.vouchers")
_COLUMNS: Final = len(Voucher.__struct_fields__)


class OnFile(Struct, frozen=True, gc=False):
    """A voucher, and when it was changed last. It is `mine` if the member that asks has it and hasn't given it away."""

    voucher: Voucher
    changed_at: datetime
    mine: bool = False


async def find_by_code(pool: Pool, shard: int, code_hash: bytes) -> OnFile | None:
    """Return the voucher of a code, known by its hash."""
    row = await pool.fetchrow(QUERIES["find_by_code"], shard, code_hash)
    return None if row is None else OnFile(_voucher(row), row["changed_at"])


async def find_vouchers(connection: Connection, shard: int, voucher_ids: Sequence[UUID]) -> list[Voucher]:
    """Return vouchers by id."""
    return [Voucher(*row) for row in await connection.fetch(QUERIES["find_vouchers"], shard, voucher_ids)]


async def find_of_redemptions(
    connection: Connection, shard: int, redemption_ids: Sequence[UUID]
) -> list[Voucher]:
    """Return all vouchers of redemptions, in the order of their numbers."""
    rows = await connection.fetch(QUERIES["find_of_redemptions"], shard, redemption_ids)
    return [Voucher(*row) for row in rows]


async def find_of_benefits(connection: Connection, member_ids: Sequence[UUID]) -> dict[UUID, list[Voucher]]:
    """Return by member the vouchers for uses of tiers' benefits, those of accounts merged into the member's too."""
    found: dict[UUID, list[Voucher]] = {member_id: [] for member_id in member_ids}
    for row in await connection.fetch(QUERIES["find_of_benefits"], member_ids):
        found[row["survivor"]].append(_voucher(row))
    return found


async def find_due(
    connection: Connection, shard: int, member_ids: Sequence[UUID], today: date
) -> list[Voucher]:
    """Return members' vouchers whose time is up; those of rewards go with the rewards."""
    rows = await connection.fetch(QUERIES["find_due_vouchers"], shard, member_ids, today)
    return [Voucher(*row) for row in rows]


async def find_due_members(pool: Pool, shard: int, today: date, after: UUID, limit: int) -> list[UUID]:
    """Return members with a voucher whose time is up, in the order of their ids."""
    rows = await pool.fetch(QUERIES["find_members_with_due_vouchers"], shard, today, after, limit)
    return [row[0] for row in rows]


async def list_vouchers(
    pool: Pool, member_id: UUID, before: UUID, statuses: Sequence[str] | None, limit: int
) -> list[OnFile]:
    """Return a page of a member's vouchers, newest first, with those that were handed over to the member."""
    rows = await pool.fetch(QUERIES["list_vouchers"], member_id, before, statuses, limit)
    return [OnFile(_voucher(row), row["changed_at"], row["mine"]) for row in rows]


def _voucher(row: Record) -> Voucher:
    return Voucher(*tuple(row)[:_COLUMNS])
