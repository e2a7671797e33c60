"""Members' lives in which points move in every way, in any order, on the real service.

Two things must hold at every step: what moves between members changes neither how many points all of them have nor the
days on which these expire; and at the end the books are right.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from loyalty.commands.model import Answer
from loyalty.errors import Problem
from loyalty.ids import UUID, parse
from loyalty.members.model import EnrolRequest
from tests.builders import PROGRAM, reply, small_rules
from tests.conftest import run_sql
from tests.property.live import Live, opened
from tests.property.oracle import Stay
from tests.property.test_moving_live import (
    Movers,
    consent,
    found_household,
    leave,
    merge,
    redeem,
    refund,
    spend,
    stays,
    unmerge,
)

NO_BONUS = PROGRAM.replace("bonus_percent = 25", "bonus_percent = 0").replace(
    "bonus_percent = 50", "bonus_percent = 0"
)
TERMS = """
[transfers]
sent_a_year = 400
received_a_year = 300

[compensation.reasons]
noise = { en = "Noise", zh = "噪音" }

[household]
members = 3
"""
RULES = small_rules(NO_BONUS + TERMS)
RICH = small_rules(
    NO_BONUS
    + TERMS
    + """
[counting]
consecutive = true

[[promotion]]
code = "half_more"
name = { en = "Half more", zh = "多一半" }
percent = "50"
budget = 2000

[[promotion]]
code = "first_stays"
name = { en = "The first two", zh = "前两次" }
points = 11
times = 2
"""
)
"""Stays that follow each other are one, so counters are kept by day; promotions, one of them with a budget."""
NUMBERS = ("T1", "T2", "T3", "T4")
people = st.sampled_from(NUMBERS)
points = st.sampled_from([1, 7, 30, 120])
Lots = Counter[date | None]


class Moving(RuleBasedStateMachine):
    """What members and staff do, one thing after another."""

    live: Live

    def __init__(self) -> None:
        super().__init__()
        self.books = Movers(self.live)
        self.asked = 0
        self.stays: list[Stay] = []
        self.merges: list[str] = []
        self.households: list[UUID] = []
        self.redeemed: list[str] = []

    # --- what there is --------------------------------------------------------------------------------------

    def name(self) -> str:
        self.asked += 1
        return f"k{self.asked}"

    def lots(self) -> Lots:
        """Return what all members have, by the day it expires; what is owed counts against it."""
        rows = self.live.query(
            "SELECT l.expires_on, sum(l.remaining)::bigint FROM lot AS l JOIN member AS m USING (shard, member_id)"
            " WHERE m.number LIKE $1 AND l.remaining > 0 AND (l.expires_on IS NULL OR l.expires_on > $2) GROUP BY 1",
            self.books.prefix + "%",
            self.books.service.today(),
        )
        return Counter({row[0]: row[1] for row in rows})

    def pinned(self, redemption: str, lamps: int | None) -> Lots:
        """Return what so many of a redemption give back, by the day it expires: the last first; none that is late."""
        rows = self.live.query(
            "SELECT l.expires_on, sum(CASE a.kind WHEN 'hold' THEN a.amount ELSE -a.amount END)::bigint AS points"
            " FROM redemption_step AS s JOIN allocation AS a USING (shard, journal_id)"
            " JOIN lot AS l USING (shard, lot_id)"
            " WHERE s.redemption_id = $1 AND a.kind IN ('hold', 'refund') GROUP BY l.lot_id, l.expires_on"
            " ORDER BY l.expires_on DESC NULLS FIRST",
            parse("red", redemption),
        )
        left, back = 1 << 60 if lamps is None else 10 * lamps, Lots()
        for day, points in rows:
            part = min(points, left)
            left -= part
            if part and (day is None or day > self.books.service.today()):
                back[day] += part
        return back

    def owed(self) -> int:
        [row] = self.live.query(
            "SELECT coalesce(sum(debt), 0)::bigint FROM member WHERE number LIKE $1", self.books.prefix + "%"
        )
        return row[0]

    def counted(self) -> dict[str, int]:
        rows = self.live.query(
            "SELECT u.key, sum(u.value::bigint)::bigint FROM member AS m, json_each(m.counters) AS y,"
            " json_each_text(y.value) AS u WHERE m.number LIKE $1 AND u.key IN ('nights', 'stays', 'spend')"
            " GROUP BY u.key",
            self.books.prefix + "%",
        )
        return {row[0]: row[1] for row in rows}

    def only_moves(self, work: Any) -> Answer | Problem:
        """Run what may move points between members and do nothing else."""
        before, owed, counted = self.lots(), self.owed(), self.counted()
        found = self.books.one(work)
        after, repaid = self.lots(), owed - self.owed()

        assert repaid == before.total() - after.total() >= 0
        assert repaid or before == after
        assert not after - before, "no point lives longer"
        assert counted == self.counted()
        return found

    # --- what happens ---------------------------------------------------------------------------------------

    @initialize()
    def enrol(self) -> None:
        for number in NUMBERS:
            request = EnrolRequest(self.books.prefix + number, date(2024, 1, 1))
            key = self.books.key(f"enrol-{number}", request)
            assert isinstance(self.books.one(self.books.service.enrol(request, "test", key)), Answer)

    @rule(number=people, amount=points)
    def have(self, number: str, amount: int) -> None:
        self.books.have(number, amount)

    @rule(number=people, amount=st.sampled_from([10, 45, 200]), ago=st.integers(2, 60))
    def stay(self, number: str, amount: int, ago: int) -> None:
        arrival = self.books.service.today() - timedelta(days=ago)
        stay = Stay(f"S-{len(self.stays)}", number, arrival, 1, (("room", amount * 100),), revision=1)
        self.books.post(stay)
        self.stays.append(stay)

    @rule(data=st.data(), amount=st.sampled_from([None, 5, 60, 300]))
    def revise(self, data: st.DataObject, amount: int | None) -> None:
        if not self.stays:
            return
        place = data.draw(st.integers(0, len(self.stays) - 1))
        stay = replace(self.stays[place], revision=(self.stays[place].revision or 0) + 1)
        status = "cancelled" if amount is None else "checked_out"
        stay = replace(stay, status=status, lines=(("room", (amount or 10) * 100),))
        seen = self.books.post(stay)
        assert "code" not in seen, seen
        self.stays[place] = stay

    @rule(number=people, amount=points)
    def spend(self, number: str, amount: int) -> None:
        before = self.lots().total() - self.owed()
        found = self.books.one(spend(self.books, number, amount, self.name()))
        spent = amount if isinstance(found, Answer) and found.status == 201 else 0

        assert spent == before - (self.lots().total() - self.owed())

    @rule(giver=people, taker=people, amount=points)
    def give(self, giver: str, taker: str, amount: int) -> None:
        self.only_moves(self.books.give(giver, taker, amount, self.name()))

    @rule(number=people, amount=points)
    def compensate(self, number: str, amount: int) -> None:
        self.books.one(self.books.compensate(number, amount, self.name()))

    @rule(old=people, new=people)
    def merge(self, old: str, new: str) -> None:
        found = self.only_moves(merge(self.books, old, new, self.name()))
        if isinstance(found, Answer) and found.status == 201:
            self.merges.append(reply(found)["merge_id"])

    @rule(data=st.data())
    def unmerge(self, data: st.DataObject) -> None:
        if self.merges:
            found = data.draw(st.sampled_from(self.merges))
            counted = self.counted()
            net = self.lots().total() - self.owed()
            self.books.one(unmerge(self.books, found, self.name()))

            assert net == self.lots().total() - self.owed()
            assert counted == self.counted()

    @rule(number=people, lamps=st.sampled_from([1, 3, 8]))
    def redeem(self, number: str, lamps: int) -> None:
        before = self.lots().total() - self.owed()
        found = self.books.one(redeem(self.books, number, lamps, self.name()))
        if isinstance(found, Answer) and found.status == 201:
            self.redeemed.append(reply(found)["redemption_id"])
            before -= 10 * lamps

        assert before == self.lots().total() - self.owed()

    @rule(data=st.data(), lamps=st.sampled_from([None, None, 1, 2]))
    def refund(self, data: st.DataObject, lamps: int | None) -> None:
        if self.redeemed:
            self._refund(data.draw(st.sampled_from(self.redeemed)), lamps)

    @rule(old=people, new=people, lamps=st.sampled_from([2, 5]), days=st.sampled_from([0, 0, 50, 95]))
    def cancel_after_a_merge(self, old: str, new: str, lamps: int, days: int) -> None:
        """Redeem points that expire apart, merge the account, let some expire; have a part back, then the rest."""
        for _ in range(2):
            self.have(old, 5 * lamps)
            self.travel(31)
        self.redeem(old, lamps)
        self.merge(old, new)
        self.travel(days)
        for part in (1, None) if self.redeemed else ():
            self._refund(self.redeemed[-1], part)

    def _refund(self, redemption: str, lamps: int | None) -> None:
        """What comes back has the days it had, whoever stands for the account by now; what is owed is repaid of it."""
        before, owed = self.lots() + self.pinned(redemption, lamps), self.owed()
        found = self.books.one(refund(self.books, redemption, self.name(), lamps))
        if not isinstance(found, Answer) or found.status != 200:
            return
        after, repaid = self.lots(), owed - self.owed()

        assert repaid == before.total() - after.total() >= 0
        assert not after - before, "no point lives longer"
        assert repaid or before == after

    @rule(head=people)
    def found(self, head: str) -> None:
        found = self.only_moves(found_household(self.books, head, self.name()))
        if isinstance(found, Answer) and found.status == 201:
            household = parse("hsh", reply(found)["household_id"])
            assert household is not None
            self.households.append(household)

    @rule(data=st.data(), number=people)
    def join(self, data: st.DataObject, number: str) -> None:
        if self.households:
            household = data.draw(st.sampled_from(self.households))
            for side in ("household", "member"):
                self.only_moves(consent(self.books, household, number, side, self.name()))

    @rule(data=st.data(), number=people)
    def leave(self, data: st.DataObject, number: str) -> None:
        if self.households:
            self.only_moves(leave(self.books, data.draw(st.sampled_from(self.households)), number))

    @rule(days=st.sampled_from([1, 20, 50, 95]))
    def travel(self, days: int) -> None:
        self.books.travel(days)

    # --- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def who_was_never_merged_keeps_within_the_caps(self) -> None:
        for number in NUMBERS if self.asked and not self.merges else ():
            for units in self.books.member(number).counters.values():
                assert units.get("sent", 0) <= 400
                assert units.get("received", 0) <= 300


def play(live: Live, examples: int, steps: int) -> None:
    class Life(Moving):
        pass

    Life.live = live
    run_state_machine_as_test(
        Life,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip

    assert {} == live.verify()


@pytest.fixture(scope="module", params=[RULES, RICH], ids=["plain", "rich"])
def live(
    request: pytest.FixtureRequest,
    postgres: Any,
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Live]:
    name = f"moving_life_{request.param_index}"
    run_sql(postgres.dsn, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of(name), request.param, tmp_path_factory.mktemp("life")) as live:
        live.query("INSERT INTO promotion_pool (promotion, budget) VALUES ('half_more', 2000)")
        yield live


def test_what_stays_had_of_a_budget_moves_with_them_and_is_given_back_from_where_they_are(
    database: str, tmp_path: Path
) -> None:
    with opened(database, RICH, tmp_path) as live:
        live.query("INSERT INTO promotion_pool (promotion, budget) VALUES ('half_more', 2000)")
        books = Movers(live)
        for number in NUMBERS:
            request = EnrolRequest(books.prefix + number, date(2024, 1, 1))
            books.one(books.service.enrol(request, "test", books.key(f"enrol-{number}", request)))
        old, new = two_shards(books)
        shards = books.member(old).shard, books.member(new).shard
        made = stays(books, old, [100, 50])
        before = used(live)
        merged = reply(books.one(merge(books, old, new)))
        there = used(live)
        books.one(unmerge(books, merged["merge_id"]))
        back = used(live)
        books.one(merge(books, old, new, "again"))
        for stay in made:
            books.post(replace(stay, status="cancelled", revision=2))

        assert 75 == sum(before.values()) == sum(there.values()) == sum(back.values())
        assert before[shards[0]] == 75
        assert there[shards[1]] == 75
        assert back[shards[0]] == 75
        assert 0 == sum(used(live).values())
        assert {} == live.verify()


def two_shards(books: Movers) -> tuple[str, str]:
    """Return two members of different shards."""
    first = NUMBERS[0]
    shard = books.member(first).shard
    return first, next(number for number in NUMBERS if books.member(number).shard != shard)


def used(live: Live) -> dict[int, int]:
    """Return what of a promotion's budget is used, by shard."""
    return {row[0]: row[1] for row in live.query("SELECT shard, used FROM promotion_budget")}


def test_points_that_move_are_neither_lost_nor_made_nor_do_they_live_longer(live: Live) -> None:
    play(live, examples=40, steps=30)


@pytest.mark.nightly
def test_points_that_move_are_neither_lost_nor_made_for_long(live: Live) -> None:
    play(live, examples=400, steps=60)
