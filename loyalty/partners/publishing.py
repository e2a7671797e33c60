"""Putting a partner or an offer on file: a new version, unless nothing has changed. One at a time, in a transaction."""

from datetime import datetime
from typing import Final, Generic, TypeVar

from msgspec import Struct

from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.partners import checks, store
from loyalty.partners.catalogue import Catalogue, Filed
from loyalty.partners.checks import Surroundings
from loyalty.partners.model import Offer, Partner
from loyalty.partners.offers import budgets, stock_key

_RETRY_AFTER: Final = {"Retry-After": "1"}

T = TypeVar("T", Partner, Offer)


class Change(Struct, frozen=True):
    """Who changes something when, and the versions that may be changed, by their tags; None: nothing was said of it."""

    by: str
    at: datetime
    tags: frozenset[str] | None = None


class Put(Struct, Generic[T], frozen=True):
    """What is on file after a change, and whether it is a `new` one: the first version."""

    filed: Filed[T]
    new: bool = False


async def put_partner(connection: Connection, known: Catalogue, one: Partner, change: Change) -> Put[Partner]:
    """Put a partner on file; raise Problem when it can't be, or when another version is there than was said."""
    async with connection.transaction():
        generation = await store.next_generation(connection)
        catalogue = await store.load_before(connection, known, generation)
        before = catalogue.partner(one.code)
        if before is not None and before.one == one:
            return Put(before)
        _expect(before, change)
        problem = checks.check_partner(one, before.one if before else None)
        if problem is not None:
            raise problem
        version = before.version + 1 if before else 1
        filed = Filed(one, version, generation, change.by, change.at)
        await store.write_partner(connection, filed)
    return Put(filed, new=before is None)


async def put_offer(
    connection: Connection, known: Catalogue, one: Offer, change: Change, tiers: frozenset[str], hotels: frozenset[str]
) -> Put[Offer]:  # fmt: skip
    """Put an offer on file, with how many there are of it; raise Problem when it can't be."""
    async with connection.transaction():
        generation = await store.next_generation(connection)
        catalogue = await store.load_before(connection, known, generation)
        before = catalogue.filed_offer(one.code)
        if before is not None and before.one == one:
            return Put(before)
        _expect(before, change)
        problem = checks.check_offer(one, before.one if before else None, _around(catalogue, tiers, hotels))
        if problem is not None:
            raise problem
        version = before.version + 1 if before else 1
        filed = Filed(one, version, generation, change.by, change.at)
        await _stock(connection, one)
        await store.write_offer(connection, filed)
    return Put(filed, new=before is None)


def _expect(before: Filed[Partner] | Filed[Offer] | None, change: Change) -> None:
    """Raise Problem unless the version that is there is one that was meant."""
    if before is None:
        if change.tags is not None:
            raise Problem("precondition_failed", "There is none yet: leave If-Match out.")
        return
    if change.tags is None:
        detail = f"There is one already, of version {before.version}: send its ETag as If-Match to change it."
        raise Problem("precondition_required", detail)
    if not change.tags & {before.tag, "*"}:
        raise Problem("precondition_failed", f"It is of version {before.version} by now: read it again.")


def _around(catalogue: Catalogue, tiers: frozenset[str], hotels: frozenset[str]) -> Surroundings:
    currencies = {code: filed[-1].one.contract.currency for code, filed in catalogue.partners.items()}
    return Surroundings(currencies, catalogue.house.currency, tiers, hotels)


async def _stock(connection: Connection, one: Offer) -> None:
    """Say how many there are, also of the days and times that somebody has asked for before."""
    if one.stock is None:
        return
    named = budgets(one)
    if one.stock.per != "all" and one.stock.amount is not None:
        known = await store.read_stock(connection, stock_key(one.code) + "/")
        named = dict.fromkeys(known, one.stock.amount) | named
    for name, amount in sorted(named.items()):
        if not await store.set_stock(connection, name, amount):
            left = (await store.read_stock(connection, name))[name]
            if left.used <= amount:
                raise Problem("unavailable", "The offer is in great demand just now.", headers=_RETRY_AFTER)
            detail = f"{name.removeprefix('stock:')}: {left.used} are taken; there can't be {amount}."
            raise Problem("stock_too_small", detail, at="/stock", numbers={"used": left.used})
