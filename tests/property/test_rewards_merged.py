"""Rewards when accounts are merged, and when that is undone, on the real service: none is given twice, none lost."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loyalty import moving, rewarding, worker
from loyalty.commands.benefit import UseRequest
from loyalty.ids import parse
from tests.builders import PRINCIPAL, reply, small_rules
from tests.property.live import Live, LiveBooks, opened
from tests.property.test_rewards_live import Guest, choose
from tests.unit.test_rewards import REWARDS

RULES = small_rules(REWARDS)


@pytest.fixture(scope="module")
def live(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    from tests.conftest import run_sql

    run_sql(postgres.dsn, f"CREATE DATABASE rewards_merged TEMPLATE {migrated_template}")
    dsn = postgres.dsn_of("rewards_merged")
    with opened(dsn, RULES, tmp_path_factory.mktemp("rewards_merged")) as live:
        yield live


class Two:
    """Two members of one history: the old account, and the one that it is merged into."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.books = LiveBooks(live)
        self.old, self.new = Guest(live, self.books, "T1"), Guest(live, self.books, "T2")

    def stays(self, old: int, new: int) -> "Two":
        """Let the two stay so often, one night each; each stay earns 100 points."""
        for place in range(old):
            self.old.stay(place)
        for place in range(old, old + new):
            self.new.stay(place)
        return self

    def merge(self) -> str:
        self.live.clock.advance(timedelta(seconds=1))
        key = self.live.service.key(PRINCIPAL, f"{self.books.prefix}merge", b"")
        work = moving.merge(self.live.service, self.old.number, self.new.number, "test", key)
        return reply(self.live.run(work))["merge_id"]

    def undo(self, merge: str) -> None:
        self.live.clock.advance(timedelta(seconds=1))
        merge_id = parse("mrg", merge)
        assert merge_id is not None
        key = self.live.service.key(PRINCIPAL, f"{self.books.prefix}undo", b"")
        self.live.run(moving.unmerge(self.live.service, merge_id, "test", key))

    def has(self) -> tuple[list[tuple[str, ...]], int, tuple[str, ...]]:
        """Return what the survivor has: rewards, points, crossings that are flagged."""
        return states(self.new), self.books.balance("T2").available, self.books.member("T2").traits.flagged

    def books_of(self) -> tuple[Any, ...]:
        """Return the points, debts and counters of both."""
        found = (self.books.member("T1"), self.books.member("T2"))
        return tuple((one.available, one.debt, one.counters) for one in found)


def states(guest: Guest) -> list[tuple[str, ...]]:
    return sorted((one.milestone, f"{one.ordinal}", one.code, one.status) for one in guest.rewards())


@pytest.fixture
def two(live: Live) -> Iterator[Two]:
    yield Two(live)
    assert {} == live.verify()


# --- what moves ---------------------------------------------------------------------------------------------------


def test_what_the_old_account_has_not_used_moves_to_the_crossing_that_the_survivor_gains(two: Two) -> None:
    two.stays(3, 1).merge()

    assert [] == states(two.old)
    assert ([("every_third", "1", "album", "issued"), ("second_stay", "1", "bonus", "issued")], 900, ()) == (
        two.has()
    )
    assert "" == two.new.tried(two.new.use(two.new.rewards("every_third")[0]))


def test_what_was_used_stays_used_and_the_survivor_gets_no_second_one(two: Two) -> None:
    two.stays(3, 1)
    assert "" == two.old.tried(two.old.use(two.old.rewards("every_third")[0]))
    two.merge()
    [album] = two.new.rewards("every_third")

    assert "used" == album.status
    assert "reward_not_usable" == two.new.tried(two.new.use(album))


def test_together_they_pass_a_mark_that_neither_had_passed(two: Two) -> None:
    two.stays(2, 1).merge()

    assert ("every_third", "1", "album", "issued") in states(two.new)
    assert 800 == two.books.balance("T2").available


def test_the_second_of_what_is_given_once_is_taken_back(two: Two) -> None:
    two.stays(2, 2).merge()

    assert [] == states(two.old)
    assert ([("second_stay", "1", "bonus", "issued")], 900) == (
        [one for one in states(two.new) if one[0] == "second_stay"], two.books.balance("T2").available
    )  # fmt: skip


def test_the_second_of_what_is_given_once_is_flagged_when_some_of_it_was_spent(two: Two) -> None:
    two.stays(2, 2)
    # Points of stays expire first and are spent first: 200 of these, then 100 of the bonus.
    assert "" == two.old.tried(two.old.spend(300))
    two.merge()

    assert [("second_stay", "1", "bonus", "flagged")] == states(two.old)
    assert ([("second_stay", "1", "bonus", "issued")], 1100) == (
        [one for one in states(two.new) if one[0] == "second_stay"], two.books.balance("T2").available
    )  # fmt: skip


def test_points_of_a_reward_keep_the_day_they_expire_and_are_taken_back_when_the_milestone_is_lost(
    two: Two,
) -> None:
    two.stays(2, 0)
    days = [(one.on, one.points) for one in two.books.balance("T1").expiring]
    two.merge()
    moved = [(one.on, one.points) for one in two.books.balance("T2").expiring]
    two.new.stay(1, "cancelled")

    assert days == moved
    assert ([], 100) == (states(two.new), two.books.balance("T2").available)


def test_points_of_which_some_were_spent_before_the_merge_are_flagged_when_the_milestone_is_lost(
    two: Two,
) -> None:
    two.stays(2, 0)
    assert "" == two.old.tried(two.old.spend(300))
    two.merge()
    merged = two.has()
    two.new.stay(1, "cancelled")

    assert ([("second_stay", "1", "bonus", "used")], 400, ()) == merged
    assert ([("second_stay", "1", "bonus", "flagged")], 300, ("second_stay 1",)) == two.has()


def test_points_that_were_all_spent_leave_no_lot_and_the_reward_moves_all_the_same(two: Two) -> None:
    two.stays(2, 0)
    assert "" == two.old.tried(two.old.spend(700))
    two.merge()

    assert ([("second_stay", "1", "bonus", "used")], 0, ()) == two.has()


def test_points_that_have_expired_stay_expired(two: Two) -> None:
    two.stays(2, 0)
    two.live.clock.advance(timedelta(days=190))
    two.merge()

    assert ([("second_stay", "1", "bonus", "issued")], 0, ()) == two.has()


def test_a_choice_to_make_moves_with_the_day_by_which_to_make_it(two: Two) -> None:
    two.stays(5, 1)
    [before] = two.old.rewards("year_nights")
    two.merge()
    [after] = two.new.rewards("year_nights")

    assert ("open", before.choose_by, 2) == (after.status, after.choose_by, after.pick)
    assert "" == two.new.tried(two.new.choose(after, ["spa", "suite"]))
    assert ["issued", "issued"] == [one.status for one in two.new.rewards("year_nights")]


def test_what_is_flagged_moves_to_a_crossing_of_the_survivor_and_is_valid_again(two: Two) -> None:
    two.stays(3, 2)
    assert "" == two.old.tried(two.old.use(two.old.rewards("every_third")[0]))
    two.old.stay(2, "cancelled")
    flagged = states(two.old)
    two.merge()

    assert ("every_third", "1", "album", "flagged") in flagged
    assert [("every_third", "1", "album", "used")] == [
        one for one in states(two.new) if one[0] == "every_third"
    ]
    assert [] == states(two.old)


def test_uses_of_a_benefit_count_together(two: Two) -> None:
    two.stays(4, 4)
    for guest in (two.old, two.new):
        use = rewarding.use_benefit(
            guest.service, guest.member_id, "meeting_room", UseRequest(), "test", guest.key()
        )
        assert "" == guest.tried(use)
    two.merge()
    [benefit] = two.books.balance("T2").tier.benefits

    assert ("meeting_room", 2, 0) == (benefit.code, benefit.yearly, benefit.left)


# --- undone -------------------------------------------------------------------------------------------------------


def test_an_undone_merge_gives_back_rewards_as_they_were(two: Two) -> None:
    two.stays(4, 3)
    assert "" == two.old.tried(two.old.use(two.old.rewards("every_third")[0]))
    before = states(two.old), states(two.new), *two.books_of()
    two.undo(two.merge())

    assert before == (states(two.old), states(two.new), *two.books_of())


def test_new_stays_with_their_milestones_do_not_stand_against_undoing_a_merge(two: Two) -> None:
    merge = two.stays(1, 0).merge()
    two.new.stay(1)
    passed = states(two.new)
    two.undo(merge)

    assert [("second_stay", "1", "bonus", "issued")] == passed
    assert [] == states(two.new)
    assert 100 == two.books.balance("T2").available
    assert [] == states(two.old)


def test_a_reward_that_was_used_since_stands_against_undoing_a_merge(two: Two) -> None:
    merge = two.stays(3, 0).merge()
    assert "" == two.new.tried(two.new.use(two.new.rewards("every_third")[0]))

    assert "not_undoable" == refused(two, merge)


def refused(two: Two, merge: str) -> Any:
    merge_id = parse("mrg", merge)
    assert merge_id is not None
    key = two.live.service.key(PRINCIPAL, f"{two.books.prefix}undo", b"")
    found = two.live.run(moving.unmerge(two.live.service, merge_id, "test", key))
    return reply(found)["code"]


# --- a story ------------------------------------------------------------------------------------------------------

WHO = st.booleans()
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["stay", "stay", "stay", "cancel"]), WHO, st.integers(0, 7)),
        st.tuples(st.sampled_from(["use", "spend", "choose"]), WHO, st.integers(0, 3)),
        st.tuples(st.just("wait"), WHO, st.sampled_from([1, 12, 45])),
    ),
    min_size=6, max_size=24,
)  # fmt: skip
LATER = st.lists(
    st.tuples(st.sampled_from(["stay", "cancel", "cancel", "use", "spend", "wait"]), WHO, st.integers(0, 7)),
    max_size=6,
)


@given(before=STEPS, later=LATER, undone=st.booleans())
@settings(
    max_examples=25, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_a_merge_of_any_two_stories_gives_nothing_twice_and_loses_nothing_used(
    live: Live, before: list[tuple[str, bool, int]], later: list[tuple[str, bool, int]], *, undone: bool
) -> None:
    two = Two(live)
    for what, first, how in before:
        step(two, two.old if first else two.new, what, how + (0 if first else 10))
    had = spent_of(two)
    merge = two.merge()

    assert had <= spent_of(two)
    once(two)
    if undone:
        two.undo(merge)

        assert had <= spent_of(two)
    else:
        for what, first, how in later:
            step(two, two.new, what, how + (0 if first else 10))
    once(two)
    assert {} == live.verify()


def step(two: Two, guest: Guest, what: str, how: int) -> None:
    place = how % 20
    match what:
        case "stay":
            guest.stay(place)
        case "cancel":
            guest.stay(place, "cancelled")
        case "use":
            for one in guest.rewards()[how % 10 : how % 10 + 1]:
                refusal = guest.tried(guest.use(one))
                assert refusal in {"", "reward_not_usable", "reward_expired"}
        case "spend":
            guest.tried(guest.spend(150 * (how % 10 + 1)))
        case "choose":
            choose(guest, ["suite", "points", "spa"] if how % 2 else ["spa", "suite", "points"])
        case _:
            two.live.clock.advance(timedelta(days=how % 10 + 1))
            two.live.run(worker.lapse_rewards(two.live.service))


def spent_of(two: Two) -> Counter[str]:
    """Count what was used of each milestone, by whichever of the two, for good or flagged; not points."""
    return Counter(
        one.code
        for guest in (two.old, two.new)
        for one in guest.rewards()
        if one.status in {"used", "flagged"} and one.kind != "points"
    )


def once(two: Two) -> None:
    """Check that no crossing of either has given more than it gives."""
    for guest in (two.old, two.new):
        places = Counter((one.milestone, one.period, one.ordinal) for one in guest.rewards())

        assert all(count <= (2 if place[0] == "year_nights" else 1) for place, count in places.items())
