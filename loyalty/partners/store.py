"""The SQL of partners and offers, and of how many of an offer are left."""

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from loyalty.db import Connection, load_queries
from loyalty.partners.catalogue import Catalogue, Filed
from loyalty.partners.model import Offer, Partner

QUERIES = load_queries("loyalty.partners")

_TRIES: Final = 5

_encode = msgspec.json.Encoder().encode
_partner = msgspec.json.Decoder(Partner).decode
_offer = msgspec.json.Decoder(Offer).decode


class Left(Struct, frozen=True, gc=False):
    """How many of something there are, and how many of them are taken."""

    amount: int
    used: int

    @property
    def left(self) -> int:
        """How many are left."""
        return max(0, self.amount - self.used)


async def read_generation(connection: Connection) -> int:
    """Return the number that goes up with each change of the catalogue."""
    return await connection.fetchval(QUERIES["read_generation"])


async def load(connection: Connection, known: Catalogue) -> Catalogue:
    """Return the catalogue as it is; only what was added to the one that is known is read."""
    generation = await read_generation(connection)
    return known if generation == known.generation else await _load(connection, known, generation)


async def load_before(connection: Connection, known: Catalogue, generation: int) -> Catalogue:
    """Return the catalogue as it was before a generation that is being added."""
    return await _load(connection, known, generation - 1)


async def _load(connection: Connection, known: Catalogue, generation: int) -> Catalogue:
    # What comes in between the statements has a higher generation, and is read the next time.
    partners = await connection.fetch(QUERIES["read_partners"], known.generation, generation)
    offers = await connection.fetch(QUERIES["read_offers"], known.generation, generation)
    return known.with_these(
        generation,
        [Filed(_partner(definition), *rest) for definition, *rest in partners],
        [Filed(_offer(definition), *rest) for definition, *rest in offers],
    )


async def next_generation(connection: Connection) -> int:
    """Let nobody else change the catalogue until the transaction ends; return the generation that would begin."""
    return await connection.fetchval(QUERIES["next_generation"])


async def write_partner(connection: Connection, filed: Filed[Partner]) -> None:
    """Add a version of a partner; its generation begins."""
    await connection.execute(QUERIES["write_partner"], *_row(filed))


async def write_offer(connection: Connection, filed: Filed[Offer]) -> None:
    """Add a version of an offer; its generation begins."""
    await connection.execute(QUERIES["write_offer"], *_row(filed))


def _row(filed: Filed[Partner] | Filed[Offer]) -> tuple[object, ...]:
    definition = _encode(filed.one).decode()
    return (
        filed.one.code, filed.version, definition, filed.generation, filed.changed_by, filed.changed_at,
    )  # fmt: skip


async def read_stock(connection: Connection, prefix: str) -> dict[str, Left]:
    """Return how many there are of all budgets whose name begins so, and how many of them are taken."""
    rows = await connection.fetch(QUERIES["read_stock"], prefix)
    return {name: Left(budget, used) for name, budget, used in rows}


async def set_stock(connection: Connection, name: str, amount: int) -> bool:
    """Say how many there are under the name of a budget; False when more than that is taken, or being taken."""
    for _ in range(_TRIES):
        if await connection.fetchval(QUERIES["set_stock"], name, amount) is not None:
            return True
        # Shards may lease some again before the next look, as long as they sell.
        await connection.execute(QUERIES["reclaim_stock"], name)
    return await connection.fetchval(QUERIES["set_stock"], name, amount) is not None


async def open_stock(connection: Connection, budgets: Mapping[str, int], generation: int) -> None:
    """Say how many there are of days and times that nobody has asked for before.

    Nothing is opened when the catalogue has changed since `generation`: know it anew, and look again.
    """
    await connection.execute(QUERIES["open_stock"], list(budgets), list(budgets.values()), generation)
