"""A balance as of a day, as it was known at an instant, never changes once that instant is past."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from loyalty import balances
from loyalty.commands.balance import BalanceView
from loyalty.commands.rulebook import Rulebook
from tests.builders import LATER, idle_rules, later_rules, small_rules
from tests.property.live import LiveBooks, opened
from tests.property.oracle import Oracle, Stay, three_months_later
from tests.property.strategies import MEMBERS, START, changes, ended, members, shaped, shapes

RULES = small_rules()
programs = pytest.mark.parametrize(
    ("program", "later"), [(RULES, 0), (later_rules(), LATER)], ids=["at once", "later"]
)
all_programs = pytest.mark.parametrize(
    "program", [RULES, later_rules(), idle_rules()], ids=["at once", "later", "lapsing"]
)

steps = st.lists(
    st.one_of(
        st.tuples(st.just("post"), shapes),
        st.tuples(st.just("post"), shapes),
        st.tuples(st.just("revise"), changes),
        st.tuples(st.just("adjust"), st.tuples(members, st.integers(-300, 300))),
        st.tuples(st.just("travel"), st.sampled_from([1, 20, 50, 100])),
        st.tuples(st.just("expire"), members),
    ),
    min_size=2,
    max_size=10,
)


class Known(NamedTuple):
    """What was said of a member's balance on a day, known at an instant."""

    number: str
    day: date
    at: datetime
    said: BalanceView


def as_of(books: LiveBooks, number: str, day: date, at: datetime | None) -> BalanceView:
    return books.live.run(balances.as_of(books.service, books.member(number), day, at))


def play(books: LiveBooks, step: tuple[str, Any], past: list[Any]) -> None:
    kind, what = step
    if kind == "post":
        past.append(shaped(what, books.service.today()))
        books.post(past[-1])
    elif kind == "revise" and past:
        changed = {name: value for name, value in what.items() if name != "member"}
        past.append(ended(replace(past[-1], **changed, revision=None), books.service.today()))
        books.post(past[-1])
    elif kind == "adjust":
        books.adjust(*what, key=f"a-{len(books.bodies)}")
    elif kind == "travel":
        books.travel(what)
    elif kind == "expire":
        books.expire(what)


@all_programs
def test_what_was_known_of_a_day_never_changes(database: str, tmp_path: Path, program: Rulebook) -> None:
    with opened(database, program, tmp_path) as live:

        @settings(max_examples=30, deadline=None)
        @given(steps)
        def check(steps: list[tuple[str, Any]]) -> None:
            books, past, known = LiveBooks(live), [], list[Known]()
            for number in ("T1", "T2", "T3"):
                books.enrol(number, f"enrol-{number}")
            for step in steps:
                play(books, step, past)
                at, today = live.clock.now(), books.service.today()
                live.clock.advance(timedelta(seconds=books.service.settles_in))
                known += [
                    Known(number, day, at, as_of(books, number, day, at))
                    for number in ("T1", "T2")
                    for day in (today, today - timedelta(days=2), today - timedelta(days=60))
                ]

            for number, day, at, said in known:
                assert said == as_of(books, number, day, at)

        check()


@all_programs
def test_the_balance_as_of_today_is_the_balance(database: str, tmp_path: Path, program: Rulebook) -> None:
    with opened(database, program, tmp_path) as live:

        @settings(max_examples=30, deadline=None)
        @given(steps)
        def check(steps: list[tuple[str, Any]]) -> None:
            books, past = LiveBooks(live), []
            for number in ("T1", "T2", "T3"):
                books.enrol(number, f"enrol-{number}")
            for step in steps:
                play(books, step, past)
                for number in ("T1", "T2", "T3"):
                    then = as_of(books, number, books.service.today(), None)

                    assert structs.asdict(books.balance(number)) == structs.asdict(then)

        check()


def test_a_balance_on_the_eve_of_a_posting_never_counts_what_was_recorded_after(
    database: str, tmp_path: Path
) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = LiveBooks(live)
        books.enrol("T1", "e")
        before = live.clock.now()
        books.adjust("T1", 100, "a")
        live.clock.advance(timedelta(seconds=books.service.settles_in))

        assert 0 == as_of(books, "T1", books.service.today(), before).available
        assert 100 == as_of(books, "T1", books.service.today(), None).available
        assert 0 == as_of(books, "T1", books.service.today() - timedelta(days=1), None).available


def spendless(step: tuple[str, Any]) -> bool:
    """Tell whether a step can lead to no debt: debts have no day of their own."""
    return step[0] != "adjust"


def worth_on(oracle: Oracle, number: str, day: date) -> tuple[int, int]:
    """Return what a member could spend on a day, and could not yet, by all that is known of its stays now."""
    there = [
        (stay.worth.points, stay.worth.day + timedelta(days=oracle.pending_days))
        for stay in oracle.stays.values()
        if stay.member == number and stay.worth.day <= day < three_months_later(stay.worth.day)
    ]
    opened = sum(points for points, opens in there if opens <= day)
    return opened, sum(points for points, _ in there) - opened


@programs
def test_the_balance_of_a_past_day_is_what_is_now_known_to_have_held_then(
    database: str, tmp_path: Path, program: Rulebook, later: int
) -> None:
    with opened(database, program, tmp_path) as live:

        @settings(max_examples=40, deadline=None)
        @given(
            steps.map(lambda steps: list(filter(spendless, steps))),
            st.lists(st.integers(0, 300), max_size=12),
        )
        def check(steps: list[tuple[str, Any]], ages: list[int]) -> None:
            books, oracle, past = LiveBooks(live), Oracle(START, pending_days=later), list[Stay]()
            for number in MEMBERS:
                books.enrol(number, f"enrol-{number}")
                oracle.enrol(number, f"enrol-{number}")
            for step in steps:
                told = len(past)
                play(books, step, past)
                oracle.today = books.service.today()
                for stay in past[told:]:
                    oracle.post(stay)
            for age in ages:
                day = books.service.today() - timedelta(days=age)
                for number in MEMBERS:
                    view = as_of(books, number, day, None)

                    assert worth_on(oracle, number, day) == (view.available, view.pending)
                    assert view.available == sum(one.points for one in view.expiring)
                    assert view.pending == sum(one.points for one in view.opening)

        check()


@pytest.mark.parametrize(
    ("told", "day", "points"),
    [
        # Both expire in one journal, on days of their own: 2 November and 2 December.
        (("A 2026-08-01 100", "B 2026-09-01 200", "later"), date(2026, 11, 10), 200),
        (("A 2026-08-01 100", "B 2026-09-01 200", "later"), date(2026, 9, 30), 300),
        (("A 2026-08-01 100", "B 2026-09-01 200", "later"), date(2026, 12, 2), 0),
        # What was cancelled after its points had expired was never earned, and so never expired.
        (("A 2026-08-01 100", "later", "A cancelled"), date(2026, 8, 20), 0),
        (("A 2026-08-01 100", "later", "A cancelled"), date(2026, 12, 20), 0),
        # A stay that turns out to have been ten days later.
        (("A 2026-09-01 100", "A 2026-09-11 100"), date(2026, 9, 5), 0),
        (("A 2026-09-01 100", "A 2026-09-11 100"), date(2026, 9, 12), 100),
    ],
)  # fmt: skip
def test_a_past_day_is_told_as_it_is_known_now(
    database: str, tmp_path: Path, told: tuple[str, ...], day: date, points: int
) -> None:
    with opened(database, RULES, tmp_path) as live:
        books, stays = LiveBooks(live), dict[str, Stay]()
        books.enrol("T1", "e")
        for what in told:
            ref, *rest = what.split()
            if ref == "later":
                books.travel(60)
                books.expire("T1")
                continue
            if rest == ["cancelled"]:
                stays[ref] = replace(stays[ref], status="cancelled")
            else:
                stays[ref] = Stay(ref, "T1", date.fromisoformat(rest[0]), 1, (("room", int(rest[1]) * 100),))
            books.post(stays[ref])
        view = as_of(books, "T1", day, None)

        assert points == view.available == sum(one.points for one in view.expiring)
        assert {} == live.verify()
