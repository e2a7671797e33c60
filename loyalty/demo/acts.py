"""What the scenes of the demo have in common: they ask for things side by side, and count what becomes of it."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Final, TypeVar

from loyalty.demo.api import Api
from loyalty.demo.deeds import Deeds
from loyalty.demo.sending import Tick
from loyalty.demo.wire import Problem

_AT_ONCE: Final = 32

T = TypeVar("T")


class Acts:
    """Something that guests do, with a tally of what became of it."""

    def __init__(self, desk: Api, deeds: Deeds) -> None:
        """Go on with a tally; what isn't asked for elsewhere is asked for at the desk."""
        self.deeds = deeds
        self._desk = desk
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def _each(self, tick: Tick, work: Iterable[Coroutine[None, None, None]]) -> None:
        """Do it all, so much of it at a time."""

        async def turn(one: Coroutine[None, None, None]) -> None:
            async with self._turns:
                await one
            tick(1, None)

        await asyncio.gather(*map(turn, work))

    async def _ask(
        self, path: str, body: object, key: str, reply: type[T], api: Api | None = None
    ) -> T | None:
        """Ask for something; None when it is refused, which is counted."""
        said = await (api or self._desk).ask(path, body, key, reply)
        if isinstance(said, Problem):
            self.deeds.refuse(said)
            return None
        return said
