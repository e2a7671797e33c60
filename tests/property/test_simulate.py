"""A random history simulated under the rules that it was posted under: exactly the live books come out."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from loyalty import moving
from loyalty.clock import ManualClock
from loyalty.commands import versions
from loyalty.commands.rulebook import Rulebook
from loyalty.db import connect
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.program import store as program_store
from loyalty.program.reading import decode
from loyalty.program.store import Version
from loyalty.simulate.model import Ask
from tests.builders import PRINCIPAL, PROGRAM, changed
from tests.property import live as living
from tests.property.live import Live, LiveBooks, opened
from tests.property.oracle import Stay
from tests.property.strategies import MEMBERS, START, changes, ended, shaped, shapes
from tests.simulated import on_file, seen, simulated

NUMBERS = itertools.count(1)
NAME = 'name = { en = "A", zh = "甲" }'
RICH = f"""
[counting]
units = ["nights", "stays", "spend", "tier_points", "no_shows"]
consecutive = true

[qualification]
period = "rolling"
months = 3
effective = "next_day"

[[festival]]
code = "autumn"
{NAME}
listed = [2026-10-01, 2026-11-11]
days = 20

[[promotion]]
code = "second"
{NAME}
nth_stay = [2, 3]
points = 70

[[promotion]]
code = "awake"
{NAME}
dormant_months = 2
multiplier = "2"
times = 2

[[promotion]]
code = "feast"
{NAME}
festivals = ["autumn"]
by = "posting"
points_per_night = 11
nights = "1"
per_member = 300

[[promotion]]
code = "shared"
{NAME}
percent = "10"
budget = 100000000
"""
CAPS = """
[[earning.cap]]
code = "daily"
per = "day"
points = 700

[[earning.cap]]
code = "yearly"
per = "year"
points = 2500

[[milestone]]
code = "each_year"
name = { en = "Each year", zh = "每年" }
unit = "nights"
at = ["2", "5"]
over = "year"
reward = { code = "gift", name = { en = "Gift", zh = "礼" } }
"""
PLAIN = PROGRAM
RICHER = PROGRAM + RICH + CAPS
CYCLES = PROGRAM + RICH.replace('"rolling"', '"cycle"').replace("consecutive = true", "") + CAPS
SECOND = (
    changed(PROGRAM, version="2")
    .replace('room = "1"', 'room = "3"')
    .replace("bonus_percent = 25", "bonus_percent = 40")
)
"""The plain program with other rates, for the new year."""


class Ticking(ManualClock):
    """Moves on a little whenever it is asked: no two batches are recorded at the same instant."""

    def now(self) -> datetime:
        return self.advance(timedelta(microseconds=1))


@contextmanager
def published(dsn: str, tmp_path: Path, *texts: tuple[date, str]) -> Iterator[Live]:
    """Open the service on versions that are in the database, each from its day on."""

    async def publish() -> None:
        connection = await connect(dsn)
        for day, text in texts:
            definition = decode(text)
            at = datetime(2026, 1, 1, tzinfo=UTC)
            await program_store.write_version(
                connection, Version(definition.version, definition.id, day, text, "test", at)
            )
            budgets = [(item.code, item.budget) for item in definition.promotion if item.budget]
            await program_store.write_pools(connection, budgets)
        await program_store.next_generation(connection)
        await connection.close()

    asyncio.run(publish())
    with opened(dsn, Rulebook(decode(texts[0][1])), tmp_path) as live:
        yield live


def the_live_books_come_out(live: Live, ask: Ask) -> None:
    outcome, pairs = live.run(simulated(live.dsn, ask, live.clock.now()))
    expected, awards = live.run(on_file(live.dsn))
    tiers, today = live.service.rules.tiers, live.service.today()
    points = sum(
        award.points for several in awards.values() for award in several if award.effective_on >= ask.first
    )
    summary = outcome.summary

    assert expected == {member_id: seen(pair.live) for member_id, pair in pairs.items()}
    assert expected == {member_id: seen(pair.new) for member_id, pair in pairs.items()}
    present = [member_id for member_id, pair in pairs.items() if pair.live.member.traits.merged_into is None]
    for member_id in present:
        pair = pairs[member_id]
        member = live.run(live.service.find_member(show("mem", member_id))).member
        code = tiers.on(member, today).code

        assert [code, code] == [tiers.on(one.member, today).code for one in (pair.live, pair.new)], member_id
    assert (points, points) == (summary.totals.live.points, summary.totals.new.points)
    assert (len(expected), len(present)) == (summary.members, sum(tier.live for tier in summary.tiers))
    assert ([], []) == (summary.moves, outcome.moved)
    assert summary.totals.live == summary.totals.new
    assert all(one.live == one.new for one in [*summary.promotions, *summary.milestones])


# --- histories --------------------------------------------------------------------------------------------------------

steps = st.one_of(
    st.tuples(st.just("post"), shapes),
    st.tuples(st.just("post"), shapes),
    st.tuples(st.just("batch"), st.lists(shapes, min_size=2, max_size=8)),
    st.tuples(
        st.just("revise"), st.tuples(st.integers(0, 50), changes, st.sampled_from([None, 1, 1, 2, -1]))
    ),
    st.tuples(st.just("merge"), st.sampled_from(MEMBERS)),
    st.tuples(st.just("unmerge"), st.none()),
    st.tuples(st.just("travel"), st.sampled_from([1, 3, 20, 45])),
)


def play(live: Live, history: list[tuple[str, Any]]) -> None:
    """Post a history, whatever the service says to it."""
    books = LiveBooks(live)
    for number in MEMBERS:
        books.enrol(number, f"enrol {number}")
    today, told, heads, merges = START, list[Stay](), dict[str, int](), list[UUID]()
    for what, how in history:
        if what == "travel":
            today += timedelta(days=how)
            books.travel(how)
        elif what == "revise" and told:
            place, change, step = how
            stay = told[place % len(told)]
            number = None if step is None else max(0, heads.get(stay.ref, 0) + step)
            heads[stay.ref] = max(heads.get(stay.ref, 0), number or 0)
            told.append(ended(replace(stay, **change, revision=number), today))
            books.post(told[-1])
        elif what == "merge":
            merges += merged(books, how, MEMBERS[MEMBERS.index(how) - 1])
        elif what == "unmerge" and merges:
            key = books.service.key(PRINCIPAL, f"{books.prefix}{merges[-1]} back", b"")
            books._outcome(moving.unmerge(books.service, merges.pop(), "test", key))
        elif what in {"post", "batch"}:
            stays = [shaped(one, today) for one in ([how] if what == "post" else how)]
            for stay in stays:
                heads[stay.ref] = max(heads.get(stay.ref, 0), stay.revision or 0)
            told += stays
            if what == "post":
                books.post(stays[0])
            else:
                books.post_many(stays)


def merged(books: LiveBooks, old: str, new: str) -> list[UUID]:
    """Merge one account into another, if that can be; return the id of the merge."""
    key = books.service.key(PRINCIPAL, f"{books.prefix}{old} {next(NUMBERS)}", b"")
    work = moving.merge(books.service, books.prefix + old, books.prefix + new, "test", key)
    found = books._outcome(work)
    if isinstance(found, Problem) or found.status != 201:
        return []
    merge_id = parse("mrg", msgspec.json.decode(found.body)["merge_id"])
    assert merge_id is not None
    return [merge_id]


INTO_THE_NEW_YEAR: list[tuple[str, Any]] = [
    ("travel", 45),
    ("travel", 45),
    (
        "post",
        {"ref": "R-1", "member": "T1", "ago": 1, "nights": 2, "lines": (("room", 900_00),), "status": "checked_out",
         "channel": "direct", "rate_code": None, "currency": "CNY", "revision": None},
    ),
]  # fmt: skip
"""A stay by the rules of the new year, of which few histories get so far."""

VERSIONS: Mapping[str, list[tuple[date, str]]] = {
    "plain": [(versions.BEGINNING, PLAIN)],
    "rich": [(versions.BEGINNING, RICHER)],
    "cycles": [(versions.BEGINNING, CYCLES)],
    "two versions": [(versions.BEGINNING, PLAIN), (date(2027, 1, 1), SECOND)],
}


@pytest.mark.parametrize("name", VERSIONS)
def test_the_live_rules_simulated_give_the_live_books(
    name: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(living, "ManualClock", Ticking)
    texts = VERSIONS[name]
    with published(database, tmp_path, *texts) as live:

        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(steps, min_size=10, max_size=40))
        @example(INTO_THE_NEW_YEAR)
        def post(history: list[tuple[str, Any]]) -> None:
            play(live, history)

        post()
        day, text = texts[-1]
        the_live_books_come_out(live, Ask(decode(text), day))
        [(kinds,)] = live.query("SELECT array_agg(DISTINCT outcome) FROM stay_revision")
        [(merges,)] = live.query("SELECT count(*) FROM member_merge")

        assert {"posted", "revised", "reversed", "unchanged", "superseded", "moved"} == set(kinds)
        assert merges > 0


def test_what_a_moved_stay_leaves_behind_goes_along_when_its_account_is_merged(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two stays of A that follow each other are one; one moves to B, so the other is a stay by itself, of C."""
    monkeypatch.setattr(living, "ManualClock", Ticking)
    texts = VERSIONS["rich"]
    lines = (("room", 10_000),)
    first = Stay("R-1", "A", START - timedelta(days=4), 2, lines, revision=1)
    second = Stay("R-2", "A", START - timedelta(days=2), 1, lines, revision=1)
    with published(database, tmp_path, *texts) as live:
        books = LiveBooks(live)
        for number in "ABC":
            books.enrol(number, f"enrol {number}")
        for stay in (first, second, replace(first, member="B", revision=2)):
            books.post(stay)
        assert merged(books, "A", "C")
        day, text = texts[-1]

        the_live_books_come_out(live, Ask(decode(text), day))
        [(counters,)] = live.query("SELECT counters FROM member WHERE number = $1", books.prefix + "C")
    assert 1 == msgspec.json.decode(counters)[str(START.year)]["stays"]


@pytest.mark.parametrize("undone", [False, True])
def test_a_merge_passes_the_marks_of_its_own_day_whenever_the_stays_were(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, undone: bool
) -> None:
    """Three stays make a milestone where each is judged, but four are asked for when they come together."""
    monkeypatch.setattr(living, "ManualClock", Ticking)
    rarer = changed(PROGRAM, version="2").replace('every = "3"', 'every = "4"')
    day = START - timedelta(days=5)
    texts = [(versions.BEGINNING, PLAIN), (day, rarer)]
    with published(database, tmp_path, *texts) as live:
        books = LiveBooks(live)
        for number in "ABC":
            books.enrol(number, f"enrol {number}")
        for place, number in enumerate("AABCC" + "C" * 2 * undone):
            departure = START - timedelta(days=9 - place)
            books.post(Stay(f"R-{place}", number, departure, 1, (("room", 10_000),), revision=1))
        [_], [merge] = merged(books, "A", "B"), merged(books, "B", "C")
        if undone:
            key = books.service.key(PRINCIPAL, f"{books.prefix}back", b"")
            books._outcome(moving.unmerge(books.service, merge, "test", key))

        the_live_books_come_out(live, Ask(decode(rarer), day))
        granted = live.query("SELECT ordinal FROM milestone_grant WHERE status = 'granted'")
    assert granted


def test_stays_that_came_with_a_merged_account_are_judged_by_the_new_version_from_its_day_on(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(living, "ManualClock", Ticking)
    first, lines = START - timedelta(days=10), (("room", 10_000),)
    with published(database, tmp_path, *VERSIONS["plain"]) as live:
        books = LiveBooks(live)
        for number in "AB":
            books.enrol(number, f"enrol {number}")
        books.post(Stay("R-1", "A", first - timedelta(days=2), 1, lines, revision=1))
        books.post(Stay("R-2", "A", first, 1, lines, revision=1))
        assert merged(books, "A", "B")
        _, pairs = live.run(simulated(live.dsn, Ask(decode(SECOND), first), live.clock.now()))

    labels = {
        kept.posting.stay_ref[-3:]: kept.award.program
        for pair in pairs.values()
        for kept in pair.new.stays.values()
    }
    assert {"R-1": Rulebook(decode(PLAIN)).label, "R-2": Rulebook(decode(SECOND)).label} == labels
