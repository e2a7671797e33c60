"""Partners and offers, as routes ask for them: the catalogue, changes to it, and what there is for a member."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeVar

import structlog
from asyncpg.exceptions import CheckViolationError, DeadlockDetectedError

from loyalty.commands import redeeming_store
from loyalty.commands.model import accounts_of
from loyalty.db import Connection
from loyalty.errors import Problem
from loyalty.ledger.outlook import look
from loyalty.ledger.store import Found
from loyalty.partners import publishing, store
from loyalty.partners.model import Offer, Partner
from loyalty.partners.offers import STOCK, Guest, Taken
from loyalty.partners.publishing import Change, Put
from loyalty.service import Service

_log = structlog.get_logger("loyalty.offering")

_TRIES: Final = 3
_RACES: Final = (CheckViolationError, DeadlockDetectedError)
"""What a change of stock fails by while shards are taking of it."""
_RETRY_AFTER: Final = {"Retry-After": "1"}

T = TypeVar("T", Partner, Offer)


async def put_partner(service: Service, one: Partner, by: str, tags: frozenset[str] | None) -> Put[Partner]:
    """Put a partner on file; raise Problem when it can't be."""
    change = Change(by, service.clock.now(), tags)
    return await _put(
        service, lambda connection: publishing.put_partner(connection, service.catalogue, one, change)
    )


async def put_offer(service: Service, one: Offer, by: str, tags: frozenset[str] | None) -> Put[Offer]:
    """Put an offer on file; raise Problem when it can't be."""
    await service.refresh_rules()
    tiers = frozenset(level.code for book in service.rules.versions for level in book.ladder.levels)
    hotels = frozenset(await service.properties())
    change = Change(by, service.clock.now(), tags)
    return await _put(
        service,
        lambda connection: publishing.put_offer(connection, service.catalogue, one, change, tiers, hotels),
    )


async def _put(service: Service, put: Callable[[Connection], Awaitable[Put[T]]]) -> Put[T]:
    """Change the catalogue, again if somebody was at work with the same stock; then know it as it is."""
    for _ in range(_TRIES):
        try:
            async with service.pool.acquire() as connection:
                done = await put(connection)
        except _RACES as error:
            _log.warning("put_rerun", error=repr(error))
            continue
        await service.refresh_catalogue()
        return done
    raise Problem("unavailable", "The stock of the offer is in great demand just now.", headers=_RETRY_AFTER)


def guest_of(service: Service, found: Found) -> Guest:
    """Return a member as offers look at them today, lots that have opened or expired by then included."""
    member, today = found.member, service.today()
    rules = service.rules.at(today)
    has = look(member, found.expiring, found.opening, today, rules.lapses_on(member))
    return Guest(
        rules.tiers.on(member, today).code, has.available, member.traits.segments, member.status != "active",
        has.expiring,
    )  # fmt: skip


async def taken_of(service: Service, found: Found | None) -> Mapping[str, Sequence[Taken]]:
    """Return what a member, by whichever account, has of offers already, by the offer's code; nobody has nothing."""
    if found is None:
        return {}
    return await redeeming_store.taken_of(service.pool, accounts_of(found.member))


async def left_of(service: Service, code: str = "") -> dict[str, int]:
    """Return how many are left of offers, or of one, by the names of budgets."""
    async with service.pool.acquire() as connection:
        return {name: one.left for name, one in (await store.read_stock(connection, STOCK + code)).items()}
