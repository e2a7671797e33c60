"""Many stays at once: each is answered on its own, as if they were posted one by one in the order given.

Stays of one member keep their order because each lane takes one command per member at a time, first come, first
served; so every member must go by one name. A stay that touches two members waits for all before it, and holds up all
after it.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from msgspec import structs

from loyalty.commands.model import Answer, Decision, Result
from loyalty.commands.post_stay import PostStay
from loyalty.commands.store import find_strays
from loyalty.errors import Problem
from loyalty.service import Service
from loyalty.stays.model import StayPosting

_PATIENCE: Final = 120.0
"""How long one of many stays may wait for its turn, in seconds."""
_STRETCH: Final = 64
"""How many stays are queued before whoever else waits has a turn, the lanes first of all."""

NaturalKey = tuple[str, str, str, int]

Queued = tuple[PostStay, asyncio.Future[Result]] | Answer | Problem
"""One of many stays: on its way with its command, or already answered."""


async def post_stays(
    service: Service, postings: Sequence[StayPosting | Problem], actor: str
) -> list[Answer | Problem]:
    """Record many stays; problems in the input stay where they are."""
    postings = await _by_number(service, postings)
    alone = await _strays(service, postings)
    await service.know_properties({one.property for one in postings if isinstance(one, StayPosting)})
    queued: list[Queued] = []
    for place, posting in enumerate(postings):
        command = posting if isinstance(posting, Problem) else service.understand(posting, actor)
        if isinstance(command, Problem):
            queued.append(command)
        elif place in alone:
            # It touches two members: what came before has to be through, and it before what follows.
            await _all_done(queued)
            queued.append(await _answered(service, await _queue(service, command)))
        else:
            queued.append(await _queue(service, command))
        if place % _STRETCH == 0:
            await asyncio.sleep(0)
    return [await _answered(service, item) for item in queued]


async def _by_number(
    service: Service, postings: Sequence[StayPosting | Problem]
) -> Sequence[StayPosting | Problem]:
    """Name every member by number."""
    named = {one.member for one in postings if isinstance(one, StayPosting) and one.member.startswith("mem_")}
    if not named:
        return postings
    found = dict(zip(named, await service.find_members(named), strict=True))
    numbers = {key: one.member.number for key, one in found.items() if one is not None}
    return [
        structs.replace(one, member=numbers[one.member])
        if isinstance(one, StayPosting) and one.member in numbers
        else one
        for one in postings
    ]


async def _strays(service: Service, postings: Sequence[StayPosting | Problem]) -> set[int]:
    """Return the places of postings of stays that are with another member than one of them says."""
    sound = {place: one for place, one in enumerate(postings) if not isinstance(one, Problem)}
    moving: set[NaturalKey] = set()
    # Only a revision that says so moves a stay that is on file.
    revised = [one for one in sound.values() if one.revision is not None]
    if revised:
        async with service.pool.acquire() as connection:
            moving = {_natural_key(revised[found]) for found in await find_strays(connection, revised)}
    named: dict[NaturalKey, str] = {}
    for posting in sound.values():
        key = _natural_key(posting)
        if named.setdefault(key, posting.member) != posting.member:
            moving.add(key)
    if not moving:
        return set()
    return {place for place, posting in sound.items() if _natural_key(posting) in moving}


def _natural_key(posting: StayPosting) -> NaturalKey:
    return posting.source, posting.property, posting.stay_ref, posting.leg


async def _queue(service: Service, command: PostStay) -> Queued:
    """Queue a command, once its lane has room."""
    shard = service.shard(command.target)
    poster = service.poster
    if not poster.roomy(shard):
        await poster.room(shard)
    try:
        return command, poster.submit(shard, command, _PATIENCE)
    except Problem as problem:
        return problem


async def _answered(service: Service, item: Queued) -> Answer | Problem:
    """Wait for what one of many stays comes to."""
    if not isinstance(item, tuple):
        return item
    command, future = item
    try:
        result = future.result() if future.done() else await future
        return result.answer if isinstance(result, Decision) else await service.conclude(command, result)
    except Problem as problem:
        return problem


async def _all_done(queued: Sequence[Queued]) -> None:
    """Wait until nothing of this is on its way any more."""
    waiting = [item[1] for item in queued if isinstance(item, tuple) and not item[1].done()]
    if waiting:
        await asyncio.wait(waiting)
