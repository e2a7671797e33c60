"""Sends the history: members first, then the past in batches, then the last days stay by stay."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, TypeVar

from loyalty.demo.api import Api
from loyalty.demo.group import PROPERTIES
from loyalty.demo.guests import Guest
from loyalty.demo.pms import Posting
from loyalty.demo.tally import Tally
from loyalty.demo.wire import Balance

BATCH_SIZE: Final = 500
BATCHES_IN_FLIGHT: Final = 4
SINGLES_IN_FLIGHT: Final = 32
LIVE_DAYS: Final = 14
"""The last days of the history are posted singly, as a property would at each check-out."""

BALANCES_AT_ONCE: Final = 1000

Tick = Callable[[int, date | None], None]
"""Told how many more are done, and which day of the history was reached."""

T = TypeVar("T")


async def register_properties(api: Api) -> None:
    """Make the group's properties known."""
    await asyncio.gather(*(api.register(hotel) for hotel in PROPERTIES))


async def enrol_all(api: Api, guests: Sequence[Guest], friends: Mapping[str, str], tick: Tick) -> None:
    """Enrol every guest, many at a time; those who were brought by a friend once the friends are there."""

    async def enrol(lane: Sequence[Guest]) -> None:
        for guest in lane:
            await api.enrol(guest, friends.get(guest.number))
            tick(1, None)

    for brought in (False, True):
        some = [guest for guest in guests if (guest.number in friends) is brought]
        await _together(enrol, [some[start::SINGLES_IN_FLIGHT] for start in range(SINGLES_IN_FLIGHT)])


def split_live(postings: Sequence[Posting], until: date) -> tuple[list[Posting], list[Posting]]:
    """The postings for batches, and those of the last days."""
    live_from = until - timedelta(days=LIVE_DAYS)
    past = [posting for posting in postings if posting.sent_on <= live_from]
    return past, list(postings[len(past) :])


async def post_in_batches(api: Api, postings: Sequence[Posting], tally: Tally, tick: Tick) -> None:
    """Post in NDJSON batches, a few in flight; a household stays in one lane, so its order is kept."""

    async def post(lane: Sequence[Posting]) -> None:
        for batch in _pieces(lane, BATCH_SIZE):
            for posting, item in zip(batch, await api.post_batch(batch), strict=True):
                tally.add(posting, item)
            tick(len(batch), batch[-1].sent_on)

    await _together(post, lanes(postings, BATCHES_IN_FLIGHT))


async def post_singly(api: Api, postings: Sequence[Posting], tally: Tally, tick: Tick) -> list[float]:
    """Post one by one, some connections at a time; returns the seconds that each took."""
    seconds: list[float] = []

    async def post(lane: Sequence[Posting]) -> None:
        for posting in lane:
            began = time.perf_counter()
            item = await api.post_stay(posting)
            seconds.append(time.perf_counter() - began)
            tally.add(posting, item)
            tick(1, posting.sent_on)

    await _together(post, lanes(postings, SINGLES_IN_FLIGHT))
    return seconds


async def read_balances(api: Api, guests: Sequence[Guest]) -> list[Balance]:
    """The standing of every guest, in order; of one who has two cards, once."""
    numbers = [guest.number for guest in guests]
    pages = await asyncio.gather(*(api.balances(page) for page in _pieces(numbers, BALANCES_AT_ONCE)))
    return list({balance.number: balance for page in pages for balance in page}.values())


def lanes(postings: Sequence[Posting], count: int) -> list[list[Posting]]:
    """The postings dealt to lanes by household: what may touch the same member stays in order."""
    dealt: list[list[Posting]] = [[] for _ in range(count)]
    for posting in postings:
        dealt[posting.household % count].append(posting)
    return dealt


def _pieces(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def _together(
    work: Callable[[Sequence[T]], Coroutine[None, None, None]], parts: Sequence[Sequence[T]]
) -> None:
    try:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(work(part))
    except ExceptionGroup as failures:
        # One failure stops all lanes, and says enough.
        raise failures.exceptions[0] from None
