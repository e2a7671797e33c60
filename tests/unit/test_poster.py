"""The poster without a database: what goes together, in which order, and what becomes of a failure."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import pytest

from loyalty.errors import Problem
from loyalty.ledger.poster import Poster


class Command(NamedTuple):
    """A command about somebody."""

    target: str
    name: str = ""


class Connection:
    """What a lane wants of a connection."""

    def __init__(self) -> None:
        self.closed = False

    def is_closed(self) -> bool:
        return self.closed

    async def close(self) -> None:
        self.closed = True


class Ground:
    """A runner that notes its batches and does as it is told, and a source of connections."""

    def __init__(self) -> None:
        self.batches: list[list[Command]] = []
        self.connections: list[Connection] = []
        self.used: list[Connection] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.behave: Callable[[Sequence[Command]], Sequence[Any]] = lambda batch: [one.name for one in batch]
        self.unreachable = 0

    async def connect(self) -> Any:
        if self.unreachable:
            self.unreachable -= 1
            raise OSError("no database")
        self.connections.append(Connection())
        return self.connections[-1]

    async def run(self, connection: Any, shard: int, batch: Sequence[Command]) -> Sequence[Any]:
        del shard
        self.batches.append(list(batch))
        self.used.append(connection)
        await self.gate.wait()
        return self.behave(batch)

    def names(self) -> list[list[str]]:
        return [[one.name for one in batch] for batch in self.batches]


@asynccontextmanager
async def posting(ground: Ground, **options: Any) -> AsyncIterator[Poster[Command, str]]:
    chosen = {"shards": 1, "queue_limit": 100, "batch_limit": 10, "deadline": 5.0} | options
    poster = Poster[Command, str](cast("Any", ground.connect), ground.run, **chosen)
    await poster.start()
    try:
        yield poster
    finally:
        ground.gate.set()
        await poster.stop()


async def settle(seconds: float = 0.0) -> None:
    """Let the lanes come to rest."""
    for _ in range(5):
        await asyncio.sleep(seconds / 5)


async def answers(futures: Sequence[Awaitable[str]]) -> list[str]:
    """The result of each, or the code of its problem."""
    found = await asyncio.gather(*futures, return_exceptions=True)
    return [one.code if isinstance(one, Problem) else str(one) for one in found]


# --- What goes together ----------------------------------------------------------------------------------------------


async def test_what_arrives_while_a_batch_is_in_flight_goes_together_in_order() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        ground.gate.clear()
        futures = [poster.submit(0, Command("first", "0"))]
        await settle()
        futures += [poster.submit(0, Command(f"m{n}", str(n))) for n in range(1, 6)]
        ground.gate.set()
        found = await answers(futures)

    assert [["0"], ["1", "2", "3", "4", "5"]] == ground.names()
    assert ["0", "1", "2", "3", "4", "5"] == found


async def test_a_lonely_command_does_not_wait_for_company() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        found = await asyncio.wait_for(poster.submit(0, Command("m", "x")), 0.2)

    assert "x" == found


async def test_a_batch_holds_one_command_per_target_and_keeps_the_order_of_each() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        names = ["a1", "a2", "b1", "a3", "c1", "b2"]
        await answers([poster.submit(0, Command(name[0], name)) for name in names])

    assert [["a1", "b1", "c1"], ["a2", "b2"], ["a3"]] == ground.names()


async def test_a_batch_is_never_larger_than_its_limit() -> None:
    ground = Ground()
    async with posting(ground, batch_limit=4) as poster:
        await answers([poster.submit(0, Command(f"m{n}", str(n))) for n in range(10)])

    assert [4, 4, 2] == [len(batch) for batch in ground.batches]
    assert [str(n) for n in range(10)] == [name for batch in ground.names() for name in batch]


async def test_a_flood_for_one_target_lets_others_through() -> None:
    ground = Ground()
    async with posting(ground, batch_limit=4) as poster:
        flood = [poster.submit(0, Command("busy", f"b{n}")) for n in range(15)]
        other = poster.submit(0, Command("other", "o"))
        await answers([*flood, other])

    assert ["b0", "o"] == ground.names()[0]
    assert [f"b{n}" for n in range(15)] == [name for batch in ground.names() for name in batch if name != "o"]


async def test_lanes_of_different_shards_do_not_wait_for_each_other() -> None:
    ground = Ground()
    async with posting(ground, shards=2) as poster:
        ground.gate.clear()
        one, two = poster.submit(0, Command("m", "one")), poster.submit(1, Command("m", "two"))
        await settle()
        ground.gate.set()
        await answers([one, two])

    assert [["one"], ["two"]] == ground.names()
    assert ground.used[0] is not ground.used[1]


async def test_a_command_that_asks_to_run_later_runs_later_and_before_what_came_after_it() -> None:
    ground = Ground()
    turns = {"twin": 1}

    def behave(batch: Sequence[Command]) -> list[str | None]:
        return [
            None if turns.get(one.name, 0) and not turns.update({one.name: 0}) else one.name for one in batch
        ]

    ground.behave = behave
    async with posting(ground, batch_limit=2) as poster:
        found = await answers([poster.submit(0, Command(name, name)) for name in ("a", "twin", "b", "c")])

    assert ["a", "twin", "b", "c"] == found
    assert [["a", "twin"], ["twin", "b"], ["c"]] == ground.names()


# --- Failures --------------------------------------------------------------------------------------------------------


async def test_one_bad_command_fails_alone() -> None:
    ground = Ground()

    def behave(batch: Sequence[Command]) -> list[str]:
        if any(one.name == "bad" for one in batch):
            raise RuntimeError("division by zero")
        return [one.name for one in batch]

    ground.behave = behave
    async with posting(ground) as poster:
        found = await answers([poster.submit(0, Command(name, name)) for name in ("a", "bad", "b")])
        after = await poster.submit(0, Command("later", "later"))

    assert ["a", "unavailable", "b"] == found
    assert [["a", "bad", "b"], ["a"], ["bad"], ["b"], ["later"]] == ground.names()
    assert "later" == after


async def test_what_fails_says_when_to_try_again() -> None:
    ground = Ground()
    ground.behave = lambda _: [str(1 // 0)]
    async with posting(ground) as poster:
        with pytest.raises(Problem) as caught:
            await poster.submit(0, Command("m"))

    assert (503, "1") == (caught.value.status, caught.value.headers["Retry-After"])


async def test_a_lost_connection_is_replaced_and_nobody_notices() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        first = await poster.submit(0, Command("a", "a"))
        ground.connections[0].closed = True
        second = await poster.submit(0, Command("b", "b"))

    assert ("a", "b") == (first, second)
    assert [ground.connections[0], ground.connections[1]] == ground.used


async def test_a_connection_lost_in_the_middle_of_a_batch_is_replaced_for_the_rerun() -> None:
    ground = Ground()

    def behave(batch: Sequence[Command]) -> list[str]:
        if len(ground.connections) == 1:
            ground.connections[0].closed = True
            raise ConnectionResetError
        return [one.name for one in batch]

    ground.behave = behave
    async with posting(ground) as poster:
        found = await answers([poster.submit(0, Command(name, name)) for name in "abc"])

    assert ["a", "b", "c"] == found
    assert [["a", "b", "c"], ["a"], ["b"], ["c"]] == ground.names()


async def test_while_there_is_no_database_commands_are_refused_and_afterwards_they_run() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        ground.connections[0].closed = True
        ground.unreachable = 1
        found = await answers([poster.submit(0, Command(name, name)) for name in "abc"])
        after = await poster.submit(0, Command("d", "d"))

    assert ["unavailable"] * 3 == found
    assert "d" == after
    assert poster.alive() is False  # stopped by now; it was alive to answer


# --- Callers that leave, queues that fill, time that runs out --------------------------------------------------------


async def test_a_caller_that_leaves_before_its_turn_takes_its_command_along() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        ground.gate.clear()
        first = poster.submit(0, Command("a", "a"))
        await settle()
        gone, stays = poster.submit(0, Command("b", "b")), poster.submit(0, Command("c", "c"))
        gone.cancel()
        ground.gate.set()
        await answers([first, stays])

    assert [["a"], ["c"]] == ground.names()


async def test_a_caller_that_leaves_during_its_turn_does_no_harm_to_others() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        ground.gate.clear()
        gone, stays = poster.submit(0, Command("a", "a")), poster.submit(0, Command("b", "b"))
        await settle()
        gone.cancel()
        ground.gate.set()

        assert "b" == await stays
        assert "c" == await poster.submit(0, Command("c", "c"))


async def test_a_full_queue_refuses_with_a_time_to_try_again() -> None:
    ground = Ground()
    async with posting(ground, queue_limit=3) as poster:
        ground.gate.clear()
        first = poster.submit(0, Command("in flight", "0"))
        await settle()
        waiting = [poster.submit(0, Command(f"m{n}", str(n))) for n in range(3)]
        with pytest.raises(Problem) as caught:
            poster.submit(0, Command("one more"))
        ground.gate.set()
        found = await answers([first, *waiting])

    assert (503, "queue_full", "1") == (
        caught.value.status,
        caught.value.code,
        caught.value.headers["Retry-After"],
    )
    assert ["0", "0", "1", "2"] == found


async def test_a_full_batch_does_not_wait_for_the_one_in_flight_but_its_targets_do() -> None:
    ground = Ground()
    async with posting(ground, batch_limit=2) as poster:
        ground.gate.clear()
        names = ["a", "b", "a", "c", "d", "e"]
        futures = [poster.submit(0, Command(name, str(place))) for place, name in enumerate(names)]
        await settle()
        in_flight = ground.names()
        ground.gate.set()
        found = await answers(futures)

    assert ["0", "1", "2", "3", "4", "5"] == found
    assert [["0", "1"], ["3", "4"]] == in_flight[:2]
    assert ["2"] in ground.names()[2:] or ["2", "5"] in ground.names()[2:]


async def test_bulk_work_waits_until_there_is_room() -> None:
    ground = Ground()
    async with posting(ground, queue_limit=100, batch_limit=2) as poster:
        ground.gate.clear()
        futures = [poster.submit(0, Command("m0", "0"))]
        await settle()
        futures += [poster.submit(0, Command(f"m{n}", str(n))) for n in range(1, 12)]
        await settle()
        room = asyncio.create_task(cast("Any", poster.room(0)))
        await settle()
        full = not room.done()
        ground.gate.set()
        await asyncio.wait_for(room, 1)
        await answers(futures)

    assert full


async def test_what_waits_too_long_is_given_up_and_never_run() -> None:
    ground = Ground()
    async with posting(ground, deadline=0.05) as poster:
        ground.gate.clear()
        first = poster.submit(0, Command("a", "a"))
        await settle()
        late, patient = poster.submit(0, Command("b", "b")), poster.submit(0, Command("c", "c"), patience=60)
        with pytest.raises(Problem) as caught:
            await late
        ground.gate.set()
        found = await answers([first, patient])

    assert ("deadline_exceeded", "1") == (caught.value.code, caught.value.headers["Retry-After"])
    assert ["a", "c"] == found
    assert [["a"], ["c"]] == ground.names()


async def test_what_is_in_flight_is_not_given_up_for_its_deadline() -> None:
    ground = Ground()
    async with posting(ground, deadline=0.01) as poster:
        ground.gate.clear()
        future = poster.submit(0, Command("a", "a"))
        await settle(0.6)
        ground.gate.set()

        assert "a" == await future


async def test_a_stop_runs_what_waits_and_refuses_what_is_new() -> None:
    ground = Ground()
    async with posting(ground) as poster:
        ground.gate.clear()
        futures = [poster.submit(0, Command("m", str(n))) for n in range(3)]
        await settle()
        stopping = asyncio.create_task(poster.stop())
        await settle()
        with pytest.raises(Problem) as caught:
            poster.submit(0, Command("new"))
        ground.gate.set()
        found = await answers(futures)
        await stopping

    assert ["0", "1", "2"] == found
    assert (503, "shutting_down", "1") == (
        caught.value.status, caught.value.code, caught.value.headers["Retry-After"]
    )  # fmt: skip
    assert all(connection.closed for connection in ground.connections)


async def test_a_poster_is_alive_from_start_to_stop() -> None:
    ground = Ground()
    poster = Poster[Command, str](
        cast("Any", ground.connect), ground.run, shards=2, queue_limit=1, batch_limit=1, deadline=1
    )
    seen = [poster.alive()]
    await poster.start()
    seen.append(poster.alive())
    await poster.stop()
    seen.append(poster.alive())

    assert [False, True, False] == seen
