"""The jobs: bounded loops beside the requests. Every worker process may run them; what they do twice does no harm."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import structlog

from loyalty.due import PAGE, go_through
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger import store
from loyalty.moving import pay_referrals
from loyalty.redeeming import expire_holds
from loyalty.rewarding import lapse
from loyalty.rewards import store as rewards_store
from loyalty.service import Service
from loyalty.vouchers import store as vouchers_store
from loyalty.warning import warn

_log = structlog.get_logger("loyalty.worker")

EXPIRY_SECONDS: Final = 3600
FOLD_SECONDS: Final = 60
WARNING_SECONDS: Final = 3600
REVIEW_SECONDS: Final = 3600
REWARDS_SECONDS: Final = 3600
REFRESH_SECONDS: Final = 5
REFERRAL_SECONDS: Final = 60
HOLDS_SECONDS: Final = 60
_FIRST: Final = UUID(bytes(16))


async def expire_due(service: Service) -> int:
    """Open and expire the due lots of all members, page by page; return how many members were looked at."""
    looked_at = 0
    for shard in range(service.poster.shards):
        looked_at += await _expire_pages(
            service,
            lambda after, at=shard: store.find_due_members(service.pool, at, service.today(), after, PAGE),
        )
        if (idling := service.rules.at(service.today()).idling) is not None:
            looked_at += await _expire_pages(
                service,
                lambda after, at=shard, by=idling: store.find_idle_members(service.pool, at, by, after, PAGE),
            )
    return looked_at


async def _expire_pages(service: Service, find: Callable[[UUID], Awaitable[list[UUID]]]) -> int:
    looked_at, after = 0, _FIRST
    while page := await find(after):
        await _each(service.expire, page)
        looked_at += len(page)
        after = page[-1]
    return looked_at


async def _each(work: Callable[[UUID], Awaitable[None]], page: Sequence[UUID]) -> None:
    await go_through(page, work, partial(show, "mem"))


async def warn_of_losses(service: Service) -> int:
    """Tell of points that are about to be lost, as many days ahead as the program says; return how many events."""
    return sum([await warn(service, shard) for shard in range(service.poster.shards)])


async def review_tiers(service: Service) -> int:
    """Review the tiers that may have changed by today, page by page; return how many members were looked at.

    Each review writes the day of the next one with it, so that a run that is broken off goes on where it was.
    """
    looked_at = 0
    for shard in range(service.poster.shards):
        after = _FIRST
        while page := await store.find_members_to_review(service.pool, shard, service.today(), after, PAGE):
            await _each(service.review, page)
            looked_at += len(page)
            after = page[-1]
    return looked_at


async def lapse_rewards(service: Service) -> int:
    """Give the defaults of choices that nobody made in time, and expire rewards and vouchers, page by page.

    Return how many members were looked at.

    What is done isn't due any more, so that a run that is broken off goes on where it was.
    """
    looked_at = 0
    for shard in range(service.poster.shards):
        for find in (rewards_store.find_due_members, vouchers_store.find_due_members):
            after = _FIRST
            while page := await find(service.pool, shard, service.today(), after, PAGE):
                await _each(partial(lapse, service), page)
                looked_at += len(page)
                after = page[-1]
    return looked_at


async def fold_accounts(service: Service) -> None:
    """Fold what batches have added to the program's accounts into their totals."""
    for shard in range(service.poster.shards):
        await store.fold_accounts(service.pool, shard)


@asynccontextmanager
async def running_jobs(service: Service) -> AsyncGenerator[None]:
    """Run the jobs for as long as the context lasts."""
    tasks = [
        asyncio.create_task(_every(EXPIRY_SECONDS, "expire_due", lambda: expire_due(service))),
        asyncio.create_task(_every(WARNING_SECONDS, "warn_of_losses", lambda: warn_of_losses(service))),
        asyncio.create_task(_every(REVIEW_SECONDS, "review_tiers", lambda: review_tiers(service))),
        asyncio.create_task(_every(REWARDS_SECONDS, "lapse_rewards", lambda: lapse_rewards(service))),
        asyncio.create_task(_every(REFRESH_SECONDS, "refresh_rules", service.refresh_rules)),
        asyncio.create_task(_every(FOLD_SECONDS, "fold_accounts", lambda: fold_accounts(service))),
        asyncio.create_task(_every(HOLDS_SECONDS, "expire_holds", lambda: expire_holds(service))),
        asyncio.create_task(_every(REFERRAL_SECONDS, "pay_referrals", lambda: pay_referrals(service))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _every(seconds: float, name: str, job: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await job()
        except Problem as problem:
            _log.warning("job_postponed", job=name, code=problem.code)
        except Exception as error:  # noqa: BLE001 - the next round may do better; a job never takes the service along
            _log.error("job_failed", job=name, exc_info=error)
