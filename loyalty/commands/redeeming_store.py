"""The SQL of redemptions: what their commands need to know, and what there is to look at."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from asyncpg import Pool, Record
from msgspec import Struct

from loyalty.commands.model import Facts
from loyalty.commands.store import QUERIES, lot_of_row
from loyalty.db import Connection
from loyalty.ids import UUID, shard_of
from loyalty.partners.offers import Taken
from loyalty.partners.redemption import Redemption, Token

_left = msgspec.json.Decoder(dict[str, int]).decode


class Asked(Struct, frozen=True, gc=False):
    """What a hold names: the member's accounts, the offer, the partner's reference, a token by its hash."""

    accounts: Sequence[UUID]
    offer: str
    partner: str
    reference: str | None
    token: bytes | None


class Owner(Struct, frozen=True, gc=False):
    """Whose a redemption is: the member's, and the partner's with which it was made."""

    member_id: UUID
    partner: str


class Known(Struct, frozen=True, gc=False):
    """What is on file for a hold: who has its reference, its token, what the member has of the offer."""

    referenced: UUID | None
    token: Token | None
    taken: list[Taken]


class DueHold(Struct, frozen=True, gc=False):
    """A hold whose time is up: since when, which, and the member's."""

    expires_at: datetime
    redemption_id: UUID
    member_id: UUID


async def read_orders(
    connection: Connection, shard: int, asked: Sequence[Asked], stock: Collection[str]
) -> tuple[int, dict[str, int], list[Known]]:
    """Return the generation of the catalogue, what the shard has left of stock, and what is on file for each hold."""
    accounts = [(place, each) for place, one in enumerate(asked, 1) for each in one.accounts]
    rows = await connection.fetch(
        QUERIES["read_orders"], shard, [one.offer for one in asked], [one.partner for one in asked],
        [one.reference for one in asked], [one.token for one in asked], list(stock),
        [place for place, _ in accounts], [shard_of(each) for _, each in accounts], [each for _, each in accounts],
    )  # fmt: skip
    generation, left = rows[0][:2]
    return generation, _left(left) if left else {}, [_known(row) for row in rows]


def _known(row: Record) -> Known:
    _, _, referenced, *token, quantities, days = row
    taken = [Taken(quantity, day) for quantity, day in zip(quantities or (), days or (), strict=True)]
    return Known(referenced, _token(token), taken)


def _token(columns: Sequence[Any]) -> Token | None:
    return None if columns[0] is None else Token(*columns)


async def read_redemptions(
    connection: Connection, shard: int, named: Mapping[UUID, UUID]
) -> tuple[int | None, dict[UUID, Redemption]]:
    """Return the generation of the catalogue (None: nothing was found), and redemptions of members, by id."""
    rows = await connection.fetch(QUERIES["read_redemptions"], shard, list(named), list(named.values()))
    found = (_redemption(row[1:]) for row in rows)
    return rows[0][0] if rows else None, {one.redemption_id: one for one in found}


def _redemption(columns: Iterable[Any]) -> Redemption:
    return Redemption(*columns)


async def add_pinned(connection: Connection, shard: int, wanted: Sequence[Facts]) -> None:
    """Give facts what their redemptions have of which lots."""
    by_id = {known.redemption.redemption_id: known for known in wanted if known.redemption is not None}
    for row in await connection.fetch(QUERIES["find_pinned"], shard, list(by_id)):
        known = by_id[row["redemption_id"]]
        known.pinned = [*known.pinned, (lot_of_row(row), row["points"])]


async def left_of_stock(connection: Connection, name: str) -> int | None:
    """Return how many are left of a stock as far as it is written down; None: nobody has asked for any before."""
    return await connection.fetchval(QUERIES["left_of_stock"], name)


# --- What there is to look at -----------------------------------------------------------------------------------------


async def find_redemptions(pool: Pool, ids: Sequence[UUID]) -> list[Redemption | None]:
    """Return redemptions by id, in order; None where there is none."""
    shards = [shard_of(one) for one in ids]
    found = (_redemption(row) for row in await pool.fetch(QUERIES["find_redemptions"], shards, ids))
    by_id = {one.redemption_id: one for one in found}
    return [by_id.get(one) for one in ids]


async def find_owners(pool: Pool, ids: Sequence[UUID]) -> list[Owner | None]:
    """Return whose redemptions are, in order; None where there is none."""
    rows = await pool.fetch(QUERIES["find_owners"], [shard_of(one) for one in ids], ids)
    owners: dict[UUID, Owner] = {row[0]: Owner(row[1], row[2]) for row in rows}
    return [owners.get(one) for one in ids]


async def find_tokens(pool: Pool, hashes: Sequence[tuple[int, bytes]]) -> list[UUID | None]:
    """Return whose tokens are, by shard and hash, in order; None where there is none."""
    rows = await pool.fetch(
        QUERIES["find_tokens"], [shard for shard, _ in hashes], [digest for _, digest in hashes]
    )
    owners: dict[bytes, UUID] = {row["hash"]: row["member_id"] for row in rows}
    return [owners.get(digest) for _, digest in hashes]


async def list_of_member(
    pool: Pool, accounts: Sequence[UUID], before: UUID, partner: str | None, status: str | None, limit: int
) -> list[Redemption]:
    """Return a page of a member's redemptions, by whichever of the member's accounts, before one, newest first.

    They are of a partner and have a status, if these aren't None.
    """
    shards = [shard_of(one) for one in accounts]
    rows = await pool.fetch(
        QUERIES["list_redemptions_of_member"], shards, accounts, before, partner, status, limit
    )
    return [_redemption(row) for row in rows]


async def list_of_partner(
    pool: Pool, partner: str, before: UUID, status: str | None, limit: int
) -> list[Redemption]:
    """Return a page of a partner's redemptions before one, newest first; of a status, if not None."""
    rows = await pool.fetch(QUERIES["list_redemptions_of_partner"], partner, before, status, limit)
    return [_redemption(row) for row in rows]


async def taken_of(pool: Pool, accounts: Sequence[UUID]) -> dict[str, list[Taken]]:
    """Return what a member has of offers already, by whichever of the member's accounts, by the offer's code."""
    taken: defaultdict[str, list[Taken]] = defaultdict(list)
    shards = [shard_of(one) for one in accounts]
    for offer, quantity, day in await pool.fetch(QUERIES["taken_of"], shards, accounts):
        taken[offer].append(Taken(quantity, day))
    return taken


async def find_reference(pool: Pool, partner: str, reference: str) -> UUID | None:
    """Return the redemption that a partner's reference leads to."""
    return await pool.fetchval(QUERIES["find_reference"], partner, reference)


async def find_due_holds(pool: Pool, shard: int, at: datetime, after: DueHold, limit: int) -> list[DueHold]:
    """Return holds of a shard whose time is up, the longest first, after one."""
    rows = await pool.fetch(
        QUERIES["find_due_holds"], shard, at, after.expires_at, after.redemption_id, limit
    )
    return [DueHold(*row) for row in rows]
