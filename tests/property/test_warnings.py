"""Warnings of points that are about to be lost: once for each member, day and distance, whatever runs and stops."""

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loyalty.events import store
from loyalty.worker import expire_due, warn_of_losses
from tests.builders import PROGRAM, changed, small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Stay, months_later
from tests.property.strategies import START

RULES = small_rules(changed(PROGRAM, months="3\nwarn_days = [30, 7]"))
IDLE_RULES = small_rules(changed(PROGRAM, months="6\ninactivity_months = 2\nwarn_days = [10]"))
ENDS = months_later(START, 3)
LAPSES = months_later(START, 2)


def stay(books: LiveBooks, ref: str, member: str = "T1", amount: int = 100) -> None:
    day = books.service.today()
    books.post(Stay(ref, member, day - timedelta(days=1), 1, (("room", amount * 100),)))


def enrolled(live: Live) -> LiveBooks:
    books = LiveBooks(live)
    for number in ("T1", "T2"):
        books.enrol(number, f"enrol-{number}")
    return books


def jobs(live: Live, *, times: int = 2) -> None:
    """Run the jobs in every process at once, more than once."""

    async def run() -> None:
        for service in live.services:
            await expire_due(service)
        await asyncio.gather(*(warn_of_losses(service) for service in live.services for _ in range(times)))

    live.run(run())


def told(live: Live) -> list[tuple[str, str, int, int]]:
    """Return the warnings in the outbox: member, day, points, how many days ahead."""
    rows = live.query(
        "SELECT m.number, o.payload FROM outbox AS o JOIN member AS m USING (shard, member_id)"
        " WHERE o.type = 'points.expiring' ORDER BY o.event_id"
    )
    found: list[tuple[str, str, int, int]] = []
    for number, payload in rows:
        said: dict[str, Any] = msgspec.json.decode(payload)
        found.append((number.split("-")[1], said["on"], said["points"], said["days_ahead"]))
    return sorted(found)


def to(live: Live, books: LiveBooks, day: Any) -> None:
    books.travel((day - books.service.today()).days)
    jobs(live)


def test_each_distance_is_told_once_although_two_processes_run_the_job_again_and_again(
    database: str, tmp_path: Path
) -> None:
    with opened(database, RULES, tmp_path, services=2) as live:
        books = enrolled(live)
        stay(books, "A")
        stay(books, "B", amount=50)
        stay(books, "C", "T2", 70)
        for day in range(60, -1, -1):
            to(live, books, ENDS - timedelta(days=day))

        on = str(ENDS)
        assert [("T1", on, 150, 7), ("T1", on, 150, 30), ("T2", on, 70, 7), ("T2", on, 70, 30)] == told(live)
        assert {} == live.verify()


def test_days_that_were_missed_are_made_up_for_and_what_is_lost_is_told_no_more(
    database: str, tmp_path: Path
) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = enrolled(live)
        jobs(live)
        stay(books, "A")
        to(live, books, ENDS - timedelta(days=28))
        late = told(live)
        to(live, books, ENDS + timedelta(days=2))

        assert [("T1", str(ENDS), 100, 30)] == late == told(live)


def test_only_what_is_left_is_told(database: str, tmp_path: Path) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = enrolled(live)
        jobs(live)
        stay(books, "A")
        stay(books, "B", "T2")
        books.adjust("T1", -60, "spend")
        books.adjust("T2", -100, "all")
        to(live, books, ENDS - timedelta(days=30))

        assert [("T1", str(ENDS), 40, 30)] == told(live)


def test_what_lapses_is_told_and_an_activity_moves_it(database: str, tmp_path: Path) -> None:
    with opened(database, IDLE_RULES, tmp_path) as live:
        books = enrolled(live)
        jobs(live)
        stay(books, "A")
        stay(books, "B", "T2", 70)
        books.travel(20)
        stay(books, "C", "T2", 30)
        moved = months_later(START + timedelta(days=20), 2)
        for day in (LAPSES - timedelta(days=10), LAPSES, moved - timedelta(days=10)):
            to(live, books, day)

        assert [("T1", str(LAPSES), 100, 10), ("T2", str(moved), 100, 10)] == told(live)
        assert (0, 100) == (books.balance("T1").available, books.balance("T2").available)
        assert {} == live.verify()


def test_an_exempt_tier_is_warned_only_of_what_it_will_lose(database: str, tmp_path: Path) -> None:
    exempt = changed(
        PROGRAM, months='24\ninactivity_months = 2\ninactivity_exempt = ["gold"]\nwarn_days = [10]'
    )
    with opened(database, small_rules(exempt), tmp_path) as live:
        books = enrolled(live)
        jobs(live)
        books.post(Stay("A", "T1", START - timedelta(days=4), 4, (("room", 100_00),)))
        stay(books, "B", "T2", 70)
        # Gold by four nights of 2026, to the end of 2027; two months without activity are up on 20 February 2028.
        for day in (LAPSES - timedelta(days=10), LAPSES, date(2027, 12, 30), date(2028, 2, 10)):
            to(live, books, day)
        kept = books.balance("T1").available
        to(live, books, date(2028, 2, 20))

        assert [("T1", "2028-02-20", 100, 10), ("T2", str(LAPSES), 70, 10)] == told(live)
        assert (100, 0, 0) == (kept, books.balance("T1").available, books.balance("T2").available)
        assert {} == live.verify()


def test_a_run_that_is_broken_off_leaves_nothing_and_the_next_one_does_it_all(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = enrolled(live)
        jobs(live)
        stay(books, "A")
        stay(books, "B", "T2")
        books.travel((ENDS - timedelta(days=30) - books.service.today()).days)
        with monkeypatch.context() as patch:
            patch.setattr(store, "_PAGE", 1)
            work, calls = store._events, list[int]()

            def broken(*page: Any) -> Any:
                calls.append(1)
                if len(calls) == 2:
                    raise ConnectionError("killed")
                return work(*page)

            patch.setattr(store, "_events", broken)
            with pytest.raises(ConnectionError):
                live.run(warn_of_losses(live.service))
        jobs(live)

        assert [("T1", str(ENDS), 100, 30), ("T2", str(ENDS), 100, 30)] == told(live)
