"""Leases for a shard what is shared by all: promotions' budgets, and the stock of offers."""

import asyncio
from collections.abc import Mapping
from typing import Final

from asyncpg.exceptions import SerializationError

from loyalty.commands import redeeming_store, store
from loyalty.commands.model import Facts, Short
from loyalty.commands.rulebook import Rulebook
from loyalty.db import Connection
from loyalty.partners import store as partners_store

_LEASES: Final = 8
_LEASE_SECONDS: Final = 0.005
"""How often, and after what time, a shard asks again for stock that others have leased and are at work with."""


def budgeted(rules: Rulebook) -> bool:
    """Tell whether any version of the program has a promotion with a budget."""
    return any(version.budgets for version in rules.versions)


def promotions(rules: Rulebook) -> set[str]:
    """Return the promotions that have a budget."""
    return {code for version in rules.versions for code in version.budgets}


async def lease(connection: Connection, shard: int, facts: Facts, short: Short) -> None:
    """Take more of a promotion's budget for a shard, or note that there is no more."""
    _note(facts, short, await store.lease_budget(connection, shard, short) or 0)


async def lease_stock(
    connection: Connection, shard: int, facts: Facts, short: Short, generation: int, taken: Mapping[str, int]
) -> None:
    """Take more of a stock, by the catalogue of a generation, or note what there is: so many were `taken` by the batch.

    Raises SerializationError when the batch has to be decided again.
    """
    leased = await store.lease_budget(connection, shard, short)
    if leased is None and short.opens is not None:
        await partners_store.open_stock(connection, {short.promotion: short.opens}, generation)
    _note(facts, short, leased or await _lease_of_others(connection, shard, facts, short, taken))


async def _lease_of_others(
    connection: Connection, shard: int, facts: Facts, short: Short, taken: Mapping[str, int]
) -> int:
    """Take some of a stock that nobody has asked for before, or that others are just at work with."""
    name = short.promotion
    for _ in range(_LEASES):
        leased = await store.lease_budget(connection, shard, short)
        if leased:
            return leased
        left = await redeeming_store.left_of_stock(connection, name)
        if left is None:
            raise SerializationError("the catalogue has changed")
        left -= taken.get(name, 0)
        if left < facts.budgets.get(name, 0) + short.points:
            facts.left[name] = left
            return 0
        await asyncio.sleep(_LEASE_SECONDS)
    raise SerializationError("the stock is in great demand")


def _note(facts: Facts, short: Short, leased: int) -> None:
    """Note what the shard has by now; if that is no more, that there is none anywhere."""
    facts.budgets[short.promotion] = facts.budgets.get(short.promotion, 0) + leased
    if not leased:
        facts.spent |= {short.promotion}
