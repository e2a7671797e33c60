"""Many small reads as few large ones: while one query is in flight, the keys of the next gather."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Coalescer(Generic[K, V]):
    """Loads values by key; at most `lanes` queries are in flight, each with at most `most` keys.

    A value is always read after it was asked for, never before.
    """

    def __init__(
        self, load: Callable[[Sequence[K]], Awaitable[Sequence[V]]], *, lanes: int = 2, most: int = 256
    ) -> None:
        """Take a function that loads values in the order of the keys."""
        self._load = load
        self._free = lanes
        self._most = most
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def get(self, key: K) -> asyncio.Future[V]:
        """Ask for a value; callers that ask for the same one meanwhile share it. Await it under `shield`."""
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._free:
                self._free -= 1
                task = asyncio.create_task(self._serve())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        return future

    async def _serve(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(0)  # let all that has just arrived ask too
                if taken := self._take():  # another lane may have been quicker
                    await self._run(taken)
        finally:
            self._free += 1

    def _take(self) -> dict[K, asyncio.Future[V]]:
        if len(self._waiting) <= self._most:
            taken, self._waiting = self._waiting, {}
            return taken
        return {key: self._waiting.pop(key) for key in list(self._waiting)[: self._most]}

    async def _run(self, taken: dict[K, asyncio.Future[V]]) -> None:
        try:
            values = await self._load(list(taken))
        except Exception as error:  # noqa: BLE001 - it is told to whoever asked
            for future in taken.values():
                if not future.done():
                    future.set_exception(error)
            return
        for future, value in zip(taken.values(), values, strict=True):
            if not future.done():
                future.set_result(value)
