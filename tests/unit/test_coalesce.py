"""The coalescer without a database: reads gather, are shared, and never see what was before they asked."""

import asyncio
from collections.abc import Sequence

import pytest

from loyalty.coalesce import Coalescer


class Source:
    """Answers a key with how many times anything was loaded; notes what was asked together."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.fail = False

    async def load(self, keys: Sequence[str]) -> Sequence[str]:
        self.asked.append(list(keys))
        turn = len(self.asked)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
        finally:
            self.in_flight -= 1
        if self.fail:
            raise OSError("no database")
        return [f"{key}{turn}" for key in keys]


async def test_what_is_asked_at_once_is_loaded_together_in_order() -> None:
    source = Source()
    many = Coalescer(source.load)
    found = await asyncio.gather(*(many.get(key) for key in "abc"))

    assert ["a1", "b1", "c1"] == found
    assert [["a", "b", "c"]] == source.asked


async def test_who_asks_for_the_same_shares_it() -> None:
    source = Source()
    many = Coalescer(source.load)
    found = await asyncio.gather(*(many.get(key) for key in "aba"))

    assert ["a1", "b1", "a1"] == found
    assert [["a", "b"]] == source.asked


async def test_a_value_is_read_after_it_was_asked_for() -> None:
    source = Source()
    many = Coalescer(source.load)
    source.gate.clear()
    before = many.get("a")
    await asyncio.sleep(0.01)
    after = many.get("a")
    source.gate.set()

    assert "a1" == await before
    assert "a2" == await after


async def test_while_lanes_are_busy_the_next_query_gathers() -> None:
    source = Source()
    many = Coalescer(source.load, lanes=1)
    source.gate.clear()
    first = many.get("a")
    await asyncio.sleep(0.01)
    rest = [many.get(key) for key in "bcd"]
    await asyncio.sleep(0.01)
    source.gate.set()
    await asyncio.gather(first, *rest)

    assert [["a"], ["b", "c", "d"]] == source.asked
    assert 1 == source.most_in_flight


async def test_no_more_queries_are_in_flight_than_there_are_lanes() -> None:
    source = Source()
    many = Coalescer(source.load, lanes=2, most=1)
    source.gate.clear()
    futures = [many.get(str(n)) for n in range(10)]
    await asyncio.sleep(0.01)
    source.gate.set()
    await asyncio.gather(*futures)

    assert 2 == source.most_in_flight
    assert [1] * 10 == [len(keys) for keys in source.asked]


async def test_a_query_is_never_larger_than_its_limit() -> None:
    source = Source()
    many = Coalescer(source.load, most=4)
    found = await asyncio.gather(*(many.get(str(n)) for n in range(10)))

    assert max(len(keys) for keys in source.asked) <= 4
    assert [str(n) for n in range(10)] == [value[:-1] for value in found]


async def test_a_failure_is_told_to_those_who_asked_and_forgotten() -> None:
    source = Source()
    many = Coalescer(source.load)
    source.fail = True
    failed = await asyncio.gather(*(many.get(key) for key in "ab"), return_exceptions=True)
    source.fail = False

    assert [OSError, OSError] == [type(one) for one in failed]
    assert "a2" == await many.get("a")


async def test_a_caller_that_leaves_takes_nothing_from_the_others() -> None:
    source = Source()
    many = Coalescer(source.load)
    source.gate.clear()
    leaving = asyncio.create_task(wait_for(many, "a"))
    staying = asyncio.create_task(wait_for(many, "a"))
    await asyncio.sleep(0.01)
    leaving.cancel()
    source.gate.set()

    assert "a1" == await staying
    with pytest.raises(asyncio.CancelledError):
        await leaving


async def wait_for(many: Coalescer[str, str], key: str) -> str:
    return await asyncio.shield(many.get(key))


async def test_a_future_that_was_cancelled_does_not_stop_the_lane() -> None:
    source = Source()
    many = Coalescer(source.load)
    many.get("a").cancel()
    other = many.get("b")

    assert "b1" == await other
    assert "a2" == await many.get("a")


async def test_an_idle_coalescer_starts_again() -> None:
    source = Source()
    many = Coalescer(source.load, lanes=1)
    first = await many.get("a")
    await asyncio.sleep(0.01)

    assert ("a1", "a2") == (first, await many.get("a"))
