"""Warnings of points that are about to be lost, as the job gives them: each day's once, as the program says."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from typing import Final

from loyalty.commands import versions
from loyalty.events import store
from loyalty.events.store import Warnings
from loyalty.ids import UUID, shard_of
from loyalty.ledger import store as ledger_store
from loyalty.ledger.model import Spares
from loyalty.service import Service

_DAY: Final = timedelta(days=1)


async def warn(service: Service, shard: int) -> int:
    """Tell of points of a shard's members that are about to be lost; return how many events that took.

    Each day has its warnings, and those of days that were missed come later.
    """
    today, written = service.today(), 0
    if not service.rules.at(today).definition.expiry.warn_days:
        return 0
    async with service.pool.acquire() as connection:
        last = await store.last_warned(connection, shard)
        ahead = max(
            day for rules in service.rules.versions for day in (0, *rules.definition.expiry.warn_days)
        )
        day = today if last is None else max(last + _DAY, today - timedelta(days=ahead))
        while day <= today:
            written += await store.warn(
                connection, shard, _warnings(service, day), today, service.mint, service.clock.now()
            )
            day += _DAY
    return written


def _warnings(service: Service, day: date) -> Warnings:
    rules = service.rules.at(day)
    idling = rules.idling
    return Warnings(
        day, rules.definition.expiry.warn_days, idling and idling.months,
        idling and max(idling.since, versions.BEGINNING),
        None if rules.spares is None else partial(_spared, service, rules.spares),
    )  # fmt: skip


async def _spared(service: Service, spares: Spares, members: Sequence[UUID], day: date) -> list[UUID]:
    """Return those of some members whose points stay although they would lapse on a day."""
    shards = [shard_of(one) for one in members]
    found = await ledger_store.read_members(
        service.pool, shards, members, [None] * len(members), choices=False
    )
    return [one.member.member_id for one in found if one and spares(one.member, day)]
