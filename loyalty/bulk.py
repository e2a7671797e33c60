"""Many stays at once: each is answered on its own, as if they were posted one by one in the order given.

Stays of one member keep their order because each lane takes one command per member at a time, first come, first
served; so every member must go by one name. A stay that touches two members waits for all before it, and holds up all
after it.

Bulk requests take turns: one at a time queues its stays, a stretch after the other, while the lanes work on what is
queued and others are read or answered. Were all queued side by side, they would end together, and leave the lanes with
nothing to do until their callers have sent more.
"""

import asyncio
from collections.abc import Iterable, Sequence
from itertools import islice
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
_STRETCH: Final = 256
"""How many stays are read and queued before whoever else waits has a turn, the lanes first of all."""

NaturalKey = tuple[str, str, str, int]

Queued = tuple[PostStay, asyncio.Future[Result]] | Answer | Problem
"""One of many stays: on its way with its command, or already answered."""


async def post_stays(
    service: Service, postings: Iterable[StayPosting | Problem], actor: str
) -> list[Answer | Problem]:
    """Record many stays; problems in the input stay where they are. What is lazy is only read when its turn comes."""
    queued: list[Queued] = []
    disputed = _Disputed()
    coming = iter(postings)
    async with service.bulk_turn:
        while stretch := list(islice(coming, _STRETCH)):
            await _queue_stretch(service, stretch, actor, disputed, queued)
            await asyncio.sleep(0)
    return [await _answered(service, item) for item in queued]


async def _queue_stretch(
    service: Service, postings: Sequence[StayPosting | Problem], actor: str, disputed: "_Disputed", queued: list[Queued]
) -> None:  # fmt: skip
    """Queue the next stays behind those that are queued already."""
    postings = await _by_number(service, postings)
    sound = [one for one in postings if not isinstance(one, Problem)]
    await disputed.look_at(service, sound)
    await service.know_properties({one.property for one in sound})
    for posting in postings:
        command = posting if isinstance(posting, Problem) else service.understand(posting, actor)
        if isinstance(command, Problem):
            queued.append(command)
        elif command.posting in disputed:
            # It touches two members: what came before has to be through, and it before what follows.
            await _all_done(queued)
            queued.append(await _answered(service, await _queue(service, command)))
        else:
            queued.append(await _queue(service, command))


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


class _Disputed:
    """The stays that are another member's than a posting says: on file, or by another posting of the same request."""

    def __init__(self) -> None:
        self._members: dict[NaturalKey, str] = {}
        self._keys: set[NaturalKey] = set()

    async def look_at(self, service: Service, postings: Sequence[StayPosting]) -> None:
        """Take note of what these postings say; members go by number."""
        for posting in postings:
            key = _natural_key(posting)
            if self._members.setdefault(key, posting.member) != posting.member:
                self._keys.add(key)
        # Only a revision that says so moves a stay that is on file.
        revised = [one for one in postings if one.revision is not None]
        if revised:
            async with service.pool.acquire() as connection:
                strays = await find_strays(connection, revised)
            self._keys.update(_natural_key(revised[place]) for place in strays)

    def __contains__(self, posting: StayPosting) -> bool:
        return bool(self._keys) and _natural_key(posting) in self._keys


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
