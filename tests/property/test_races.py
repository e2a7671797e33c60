"""Races between two worker processes, played step by step: one has read and decided, the other is faster."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty import balances, metrics
from loyalty.commands import batch
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.ids import show
from loyalty.service import Service
from tests.builders import PRINCIPAL, small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Stay
from tests.property.strategies import START
from tests.property.wording import as_posting

RULES = small_rules()
STAY = Stay("S-1", "T1", START - timedelta(days=5), 1, (("room", 100_00),), revision=1)


class Slow:
    """Holds the next write back until it is told to go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waits, self.goes = asyncio.Event(), asyncio.Event()
        self._armed = False
        write = batch.store.write

        async def held_back(*args: Any) -> None:
            if self._armed:
                self._armed = False
                self.waits.set()
                await self.goes.wait()
            await write(*args)

        monkeypatch.setattr(batch.store, "write", held_back)

    async def overtaken(self, slow: Callable[[], Any], fast: Callable[[], Any]) -> tuple[Any, Any]:
        """Run `slow` up to its write, then `fast` as far as locks let it, then the rest of both."""
        self._armed = True
        first = asyncio.ensure_future(slow())
        await self.waits.wait()
        second = asyncio.ensure_future(fast())
        await asyncio.wait([second], timeout=0.3)
        self.goes.set()
        return await first, await second


def begun(live: Live, number: str = "T1") -> LiveBooks:
    books = LiveBooks(live)
    books.enrol(number, f"enrol-{number}")
    return books


async def adjusted(service: Service, books: LiveBooks, member: str, points: int, key: str) -> Any:
    request = AdjustmentRequest(member, points, "goodwill")
    return await service.adjust(
        request, "test", service.key(PRINCIPAL, books.prefix + key, repr(request).encode())
    )


def test_a_credit_that_was_overtaken_by_another_is_decided_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database, RULES, tmp_path, services=2) as live:
        books, slow = begun(live), Slow(monkeypatch)
        one, other = live.services
        number = books.prefix + "T1"
        live.run(
            slow.overtaken(
                lambda: adjusted(one, books, number, 100, "a"),
                lambda: adjusted(other, books, number, 30, "b"),
            )
        )

        assert 130 == books.balance("T1").available
        assert {} == live.verify()


def test_a_revision_that_was_overtaken_by_a_newer_one_that_moved_nothing_changes_nothing(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database, RULES, tmp_path, services=2) as live:
        books, slow = begun(live), Slow(monkeypatch)
        one, other = live.services
        books.post(STAY)
        revised = as_posting(books.mine(replace(STAY, lines=(("room", 250_00),), revision=2)))
        unchanged = as_posting(books.mine(replace(STAY, revision=5)))
        live.run(
            slow.overtaken(lambda: one.post_stay(revised, "test"), lambda: other.post_stay(unchanged, "test"))
        )

        assert 100 == books.balance("T1").available
        assert {} == live.verify()


def test_what_was_known_at_an_instant_is_not_changed_by_what_is_written_a_moment_later(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database, RULES, tmp_path, services=2, deadline_ms=400) as live:
        books, slow = begun(live), Slow(monkeypatch)
        one, other = live.services
        member, today = books.member("T1"), books.service.today()

        async def read() -> Any:
            live.clock.advance(timedelta(milliseconds=5))
            at = live.clock.now()
            return at, await balances.as_of(other, member, today, at)

        _, (at, said) = live.run(
            slow.overtaken(lambda: adjusted(one, books, books.prefix + "T1", 100, "a"), read)
        )
        live.clock.advance(timedelta(seconds=1))

        assert said == live.run(balances.as_of(other, member, today, at))
        assert 100 == books.balance("T1").available


def test_two_reversals_under_both_names_of_a_member_each_find_their_lots(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reruns: list[object] = []
    monkeypatch.setattr(metrics.BATCH_RERUNS, "inc", lambda: reruns.append(1))
    with opened(database, RULES, tmp_path) as live:
        books = begun(live)
        stays = [STAY, replace(STAY, ref="S-2")]
        books.post_many([*stays, replace(STAY, ref="S-3")])
        by_number, by_id = (replace(stay, status="cancelled", revision=2) for stay in stays)
        member_id = show("mem", books.member("T1").member_id)

        async def both() -> None:
            await asyncio.gather(
                live.service.post_stay(as_posting(books.mine(by_number)), "test"),
                live.service.post_stay(as_posting(books.mine(by_id), member=member_id), "test"),
            )

        live.run(both())

        assert [] == reruns
        assert (100, 0) == (books.balance("T1").available, books.member("T1").debt)
        assert {} == live.verify()
