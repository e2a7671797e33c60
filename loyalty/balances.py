"""Balances and statements as routes ask for them: now, on a day, as it was known at an instant."""

import asyncio
from datetime import date, datetime

from msgspec import structs

from loyalty import ids
from loyalty.commands import moving_store
from loyalty.commands.balance import BalanceView, view
from loyalty.commands.household import joined
from loyalty.ledger import store
from loyalty.ledger.model import Member
from loyalty.ledger.store import Entry, Found
from loyalty.service import Service


def now(service: Service, found: Found, today: date | None = None) -> BalanceView:
    """Return a member's balance today; `today` saves asking the clock again."""
    day = today or service.today()
    return view(service.rules, found.member, found.expiring, day, found.opening, found.choices)


async def pool_of(service: Service, member: Member) -> int | None:
    """Return what the household of a member has to spend; None for whoever is in none."""
    household_id = ids.parse("hsh", member.traits.household) if member.traits.household else None
    household = await moving_store.read_household(service.pool, household_id) if household_id else None
    if household is None:
        return None
    found = await service.find_members(ids.show("mem", one) for one in joined(household))
    return sum(max(0, now(service, one).available) for one in found if one is not None)


async def as_of(
    service: Service, member: Member, effective_by: date, known_at: datetime | None
) -> BalanceView:
    """Return a member's balance on a day, as it was known at an instant (now, if None).

    For an instant the answer never changes: a batch is recorded at most the deadline after its clock was read,
    so an instant that recent is waited for.
    """
    asked = service.clock.now()
    if known_at is not None and (left := service.settles_in - (asked - known_at).total_seconds()) > 0:
        await asyncio.sleep(left)
    async with service.pool.acquire() as connection:
        then = await store.fold(
            connection, member, effective_by, known_at or asked, by_day=service.rules.by_day
        )
    opening, expiring = sum(points for _, _, points in then.opening), then.expiring
    # All days are there again, so no tier has to stand for those that were left out.
    statuses = tuple(one for one in member.traits.statuses if one.kind != "earned")
    was = structs.replace(
        member, available=then.points - opening, pending=opening, held=then.held, debt=then.debt,
        counters=then.counters,
        next_expiry=expiring[0][0] if expiring else None,
        # When points will lapse depends on what is done until then: for an instant it isn't told.
        active_on=member.active_on if known_at is None else None,
        traits=structs.replace(member.traits, statuses=statuses),
    )  # fmt: skip
    return view(service.rules, was, expiring, effective_by, then.opening)


async def statement(service: Service, member: Member, before: int, limit: int) -> list[Entry]:
    """Return a page of a member's journals before a version, newest first."""
    return await store.read_statement(service.pool, member.shard, member.member_id, before, limit)
