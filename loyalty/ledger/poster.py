"""The poster: turns many concurrent commands into few transactions.

A lane serves one shard over one connection. While its batch is in flight the next one gathers; when it returns,
whatever waits goes together. There is no timer. A batch holds at most one command per target; a second one waits for
the next batch, so the commands of a member run in the order they came.

A batch that fails unexpectedly is rolled back and its commands are run again, one by one and once, so one bad command
never fails its neighbours. What can't be run is answered 503 and may be sent again: keys make that safe.
"""

import asyncio
from typing import Final, Generic

from loyalty.ledger.lane import C, Connect, Lane, R, Runner

_SWEEP_SECONDS: Final = 0.25
# What a batch has beyond the deadline, which is also the server's limit for a statement: time to hear of it.
_GRACE_SECONDS: Final = 1.0


class Poster(Generic[C, R]):
    """Lanes over all shards of a database.

    `queue_limit` is the number of commands that may wait per lane, `batch_limit` the most in one transaction,
    `deadline` the seconds a command may wait before it is given up undecided.
    """

    def __init__(
        self,
        connect: Connect,
        run: Runner[C, R],
        *,
        shards: int,
        queue_limit: int,
        batch_limit: int,
        deadline: float,
    ) -> None:
        """Set up the lanes; `start` sets them going."""
        self.shards = shards
        self.deadline = deadline
        self._lanes = [
            Lane(
                shard,
                connect,
                run,
                queue_limit=queue_limit,
                batch_limit=batch_limit,
                patience=deadline + _GRACE_SECONDS,
            )
            for shard in range(shards)
        ]
        self._sweeper: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect every lane and start it."""
        await asyncio.gather(*(lane.start() for lane in self._lanes))
        self._sweeper = asyncio.create_task(self._sweep())

    async def stop(self) -> None:
        """Refuse what is new, run what waits, then close the connections."""
        await asyncio.gather(*(lane.drain() for lane in self._lanes))
        if self._sweeper is not None:
            self._sweeper.cancel()

    def submit(self, shard: int, command: C, patience: float | None = None) -> asyncio.Future[R]:
        """Queue a command; raise Problem `queue_full` or `shutting_down`.

        `patience` replaces the deadline, in seconds.
        """
        return self._lanes[shard].submit(command, self.deadline if patience is None else patience)

    def roomy(self, shard: int) -> bool:
        """Tell whether a lane wants bulk work now."""
        return self._lanes[shard].roomy.is_set()

    async def room(self, shard: int) -> None:
        """Wait until a lane wants bulk work: a few batches wait at most, so single requests soon have their turn."""
        await self._lanes[shard].roomy.wait()

    def alive(self) -> bool:
        """Tell whether every lane is running."""
        return all(lane.alive() for lane in self._lanes)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            for lane in self._lanes:
                lane.sweep()
