"""A lane: one shard's queue, and the hands that run its batches.

One hand suffices while commands come one by one: what waits goes together when it returns. Only when a full batch
waits does a second hand take it, over a connection of its own; so bulk work keeps Python and PostgreSQL busy at once,
and single requests still travel in large batches. Two hands never hold commands of the same target.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, Protocol, TypeVar

import structlog

from loyalty import metrics
from loyalty.db import Connection
from loyalty.errors import Problem

_log = structlog.get_logger("loyalty.poster")

RETRY_AFTER: Final = {"Retry-After": "1"}
HANDS: Final = 2
# How far a lane looks past commands that have to wait for a batch of their own.
_LOOK_AHEAD: Final = 4


class Targeted(Protocol):
    """A command about one member, under one of its names."""

    @property
    def target(self) -> object:
        """Say whom the command is about."""
        ...


C = TypeVar("C", bound=Targeted)
R = TypeVar("R")

Runner = Callable[[Connection, int, Sequence[C]], Awaitable[Sequence[R | None]]]
"""Runs commands of one shard in one transaction; None for one that has to run in a later batch."""

Connect = Callable[[], Awaitable[Connection]]


class Waiting(Generic[C, R]):
    """A command on its way, who waits for it, and until when it may wait."""

    __slots__ = ("command", "deadline", "future")

    def __init__(self, command: C, future: asyncio.Future[R], deadline: float) -> None:
        self.command = command
        self.future = future
        self.deadline = deadline


class Lane(Generic[C, R]):
    """One shard's queue. `patience` is how long a batch may take, in seconds."""

    def __init__(
        self,
        shard: int,
        connect: Connect,
        run: Runner[C, R],
        *,
        queue_limit: int,
        batch_limit: int,
        patience: float,
    ) -> None:
        self.shard = shard
        self.connect = connect
        self.run = run
        self.patience = patience
        self.roomy = asyncio.Event()
        self.roomy.set()
        self._queue_limit = queue_limit
        self._batch_limit = batch_limit
        self._enough = min(HANDS * batch_limit, queue_limit)
        self._queue: deque[Waiting[C, R]] = deque()
        self._busy: set[object] = set()
        self._wake = asyncio.Event()
        self._closing = False
        self._hands = [Hand(self) for _ in range(HANDS)]
        self._tasks: list[asyncio.Task[None]] = []
        self._depth = metrics.QUEUE_DEPTH.labels(str(shard))

    async def start(self) -> None:
        """Connect, and start to work."""
        self._loop = asyncio.get_running_loop()
        await self._hands[0].connected()
        self._tasks = [
            asyncio.create_task(self._serve(hand), name=f"lane-{self.shard}-{place}")
            for place, hand in enumerate(self._hands)
        ]

    async def drain(self) -> None:
        """Refuse what is new, run what waits, and close the connections."""
        self._closing = True
        self._wake.set()
        await asyncio.gather(*self._tasks)
        for hand in self._hands:
            await hand.close()

    def alive(self) -> bool:
        """Tell whether the lane runs, and no batch has been on its way for too long."""
        if not self._tasks or any(task.done() for task in self._tasks):
            return False
        latest = self._loop.time() - self.patience / 2
        return all(hand.began is None or hand.began > latest for hand in self._hands)

    def submit(self, command: C, patience: float) -> asyncio.Future[R]:
        """Queue a command; raise Problem when there is no room, or when the lane is closing."""
        if self._closing:
            raise Problem("shutting_down", headers=RETRY_AFTER)
        queue = self._queue
        if len(queue) >= self._queue_limit:
            metrics.counter(metrics.GIVEN_UP, "queue_full")()
            raise Problem("queue_full", headers=RETRY_AFTER)
        future: asyncio.Future[R] = self._loop.create_future()
        queue.append(Waiting(command, future, self._loop.time() + patience))
        if not self._wake.is_set() and self._due():
            self._wake.set()
        if len(queue) >= self._enough:
            self.roomy.clear()
        return future

    def again(self, waiting: Sequence[Waiting[C, R]]) -> None:
        """Put commands back in front: they have to run in a later batch."""
        self._queue.extendleft(reversed(waiting))

    def sweep(self) -> None:
        """Give up what has waited past its deadline; it was never begun."""
        self._depth.set(len(self._queue))
        now = self._loop.time()
        for waiting in self._queue:
            if waiting.deadline < now and not waiting.future.done():
                metrics.counter(metrics.GIVEN_UP, "deadline")()
                waiting.future.set_exception(Problem("deadline_exceeded", headers=RETRY_AFTER))

    async def _serve(self, hand: "Hand[C, R]") -> None:
        while True:
            batch = self._gather() if self._due() else []
            if batch:
                targets = {waiting.command.target for waiting in batch}
                self._busy |= targets
                await hand.run_batch(batch)
                self._busy -= targets
                self._wake.set()
            elif self._closing and not self._queue:
                return
            else:
                self._wake.clear()
                await self._wake.wait()

    def _due(self) -> bool:
        """Tell whether there is work for another hand: the only one takes anything, the next a full batch."""
        return len(self._queue) >= (self._batch_limit if self._busy else 1)

    def _gather(self) -> list[Waiting[C, R]]:
        """Take what waits, in order, one command per target; a caller that has left takes its command along."""
        batch: list[Waiting[C, R]] = []
        later: list[Waiting[C, R]] = []
        taken = set(self._busy)
        queue, limit = self._queue, self._batch_limit
        while queue and len(batch) < limit and len(later) < _LOOK_AHEAD * limit:
            waiting = queue.popleft()
            if waiting.future.done():
                continue
            target = waiting.command.target
            if target in taken:
                later.append(waiting)
            else:
                taken.add(target)
                batch.append(waiting)
        queue.extendleft(reversed(later))
        if len(queue) < self._enough:
            self.roomy.set()
        return batch


class Hand(Generic[C, R]):
    """Runs batches of a lane over one connection, which it opens when it first needs it."""

    def __init__(self, lane: Lane[C, R]) -> None:
        self.began: float | None = None
        self._lane = lane
        self._connection: Connection | None = None

    async def close(self) -> None:
        """Close the connection, if there is one."""
        if self._connection is not None and not self._connection.is_closed():
            await self._connection.close()

    async def run_batch(self, batch: list[Waiting[C, R]]) -> None:
        """Run a batch and answer all who wait for it; never raises."""
        began = time.perf_counter()
        try:
            results = await self._attempt(batch)
        except _OutOfReachError as error:
            self._give_up(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the neighbours must not suffer
            metrics.BATCH_RERUNS.inc()
            _log.warning("batch_rerun", shard=self._lane.shard, commands=len(batch), error=repr(error))
            await self._run_singly(batch)
            return
        metrics.BATCH_SECONDS.observe(time.perf_counter() - began)
        metrics.BATCH_COMMANDS.observe(len(batch))
        self._resolve(batch, results)

    async def _attempt(self, batch: Sequence[Waiting[C, R]]) -> Sequence[R | None]:
        """Run commands in one transaction, within the time there is; raise _OutOfReachError when the database isn't."""
        connection = await self.connected()
        self.began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(self._lane.patience):
                return await self._lane.run(connection, self._lane.shard, [one.command for one in batch])
        except TimeoutError as error:
            # The server ends a statement that takes too long. If not even that comes through, the connection is dead.
            connection.terminate()
            self._connection = None
            raise _OutOfReachError("no answer") from error
        finally:
            self.began = None

    async def connected(self) -> Connection:
        """Return the connection, a new one if the old one was lost; raise _OutOfReachError."""
        if self._connection is None or self._connection.is_closed():
            try:
                async with asyncio.timeout(self._lane.patience):
                    self._connection = await self._lane.connect()
            except Exception as error:
                raise _OutOfReachError(repr(error)) from error
        return self._connection

    def _resolve(self, batch: Sequence[Waiting[C, R]], results: Sequence[R | None]) -> None:
        again: list[Waiting[C, R]] = []
        for waiting, result in zip(batch, results, strict=True):
            if result is None:
                again.append(waiting)
            elif not waiting.future.done():
                waiting.future.set_result(result)
        if again:
            self._lane.again(again)

    async def _run_singly(self, batch: list[Waiting[C, R]]) -> None:
        """Give each command its second chance; together they get twice the time of a batch."""
        loop = asyncio.get_running_loop()
        until = loop.time() + 2 * self._lane.patience
        for place, waiting in enumerate(batch):
            if waiting.future.done():
                continue
            if loop.time() > until:
                self._give_up(batch[place:], _OutOfReachError("out of time"))
                return
            try:
                self._resolve([waiting], await self._attempt([waiting]))
            except _OutOfReachError as error:
                self._give_up(batch[place:], error)
                return
            except Exception as error:  # noqa: BLE001 - it has had its second chance
                name = type(waiting.command).__name__
                _log.error("command_failed", shard=self._lane.shard, command=name, exc_info=error)
                _refuse(waiting)

    def _give_up(self, batch: Sequence[Waiting[C, R]], error: "_OutOfReachError") -> None:
        _log.error("database_out_of_reach", shard=self._lane.shard, commands=len(batch), error=str(error))
        for waiting in batch:
            _refuse(waiting)


class _OutOfReachError(Exception):
    """The database can't be reached, or doesn't answer in time."""


def _refuse(waiting: Waiting[C, R]) -> None:
    """Answer 503: whether it was recorded is not known, and sending it again is safe."""
    if not waiting.future.done():
        waiting.future.set_exception(Problem("unavailable", headers=RETRY_AFTER))
