"""Rewards on the real service: a story of stays, corrections, choices and uses, and what many do at the same time."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from loyalty import rewarding, worker
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.benefit import ReturnRequest, UseRequest
from loyalty.commands.choose import ChooseRequest
from loyalty.commands.model import Answer
from loyalty.commands.rewarding import RewardView
from loyalty.commands.use import Occasion
from loyalty.errors import Problem
from loyalty.ids import UUID, parse
from loyalty.service import Service
from tests.builders import PRINCIPAL, posting, small_rules
from tests.conftest import run_sql
from tests.property.live import Live, LiveBooks, opened
from tests.unit.test_rewards import REWARDS

RULES = small_rules(REWARDS)
LAST = UUID(b"\xff" * 16)
CODES = ("spa", "points", "suite")


class Guest:
    """One member on the service, who stays, chooses and uses."""

    def __init__(self, live: Live, books: LiveBooks | None = None, name: str = "T1") -> None:
        self.live = live
        self.name = name
        self.books = books or LiveBooks(live)
        self.books.enrol(name, f"enrol-{name}")
        self.number = self.books.prefix + name
        self.member = self.books.member(name)
        self.member_id = self.member.member_id
        self.keys = itertools.count()
        self.began = live.service.today()

    @property
    def service(self) -> Service:
        return self.live.service

    def key(self, body: bytes = b"") -> Any:
        return self.service.key(PRINCIPAL, f"{self.number}-{next(self.keys)}", body)

    def stay(self, place: int, status: str = "checked_out", **fields: Any) -> Answer:
        first = self.began - timedelta(days=40 - 2 * place)
        stay = posting(
            stay_ref=f"{self.books.prefix}S-{place}", member=self.number, status=status,
            **{"arrival": first, "departure": first + timedelta(days=1)} | fields,
        )  # fmt: skip
        self.live.clock.advance(timedelta(seconds=1))
        return self.live.run(self.service.post_stay(stay, "test"))

    def tried(self, work: Any) -> str:
        """Return what a request was refused with; nothing if it wasn't."""
        self.live.clock.advance(timedelta(seconds=1))
        [outcome] = self.live.run(all_of([work]))
        return outcome

    def rewards(self, milestone: str = "", *, alive: bool = True) -> list[RewardView]:
        page = self.live.run(rewarding.page(self.service, self.member, LAST, None, 500))
        return [
            one.shown for one in reversed(page)
            if one.shown.milestone.startswith(milestone) and (one.shown.status != "revoked" or not alive)
        ]  # fmt: skip

    def use(self, reward: RewardView, key: Any = None) -> Any:
        return rewarding.use(
            self.service, self.member_id, id_of(reward), Occasion(), "test", key or self.key()
        )

    def choose(self, reward: RewardView, codes: list[str], service: Service | None = None) -> Any:
        request = ChooseRequest(codes)
        return rewarding.choose(
            service or self.service, self.member_id, id_of(reward), request, "test", self.key()
        )

    def room(self, request: UseRequest | ReturnRequest) -> Any:
        """Use the benefit that is counted, or give a use back."""
        if isinstance(request, UseRequest):
            return rewarding.use_benefit(
                self.service, self.member_id, "meeting_room", request, "test", self.key()
            )
        return rewarding.return_benefit(
            self.service, self.member_id, "meeting_room", request, "test", self.key()
        )

    def spend(self, points: int) -> Any:
        return self.service.adjust(AdjustmentRequest(self.number, -points, "goodwill"), "test", self.key())


def id_of(reward: RewardView) -> UUID:
    found = parse("rwd", reward.reward_id)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def live(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    run_sql(postgres.dsn, f"CREATE DATABASE rewards TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("rewards"), RULES, tmp_path_factory.mktemp("rewards"), services=2) as live:
        yield live


# --- a story ------------------------------------------------------------------------------------------------------


class Expected:
    """What becomes of the reward of every third stay, by ordinal: a function of the story."""

    def __init__(self) -> None:
        self.there: set[int] = set()
        self.state: dict[int, str] = {}

    def count(self, place: int, *, stays: bool) -> None:
        (self.there.add if stays else self.there.discard)(place)
        passed = len(self.there) // 3
        for ordinal in range(1, passed + 1):
            before = self.state.get(ordinal)
            self.state[ordinal] = "used" if before == "flagged" else before or "issued"
        for ordinal in [one for one in self.state if one > passed]:
            if self.state[ordinal] == "issued":
                del self.state[ordinal]
            else:
                self.state[ordinal] = "flagged"


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["stay", "stay", "stay", "cancel"]), st.integers(0, 8)),
        st.tuples(st.just("use"), st.integers(0, 3)),
        st.tuples(st.just("choose"), st.permutations(CODES)),
        st.tuples(st.just("spend"), st.sampled_from([1, 150, 400, 10_000])),
        st.tuples(st.sampled_from(["wait", "wait", "benefit", "give back"]), st.sampled_from([1, 6, 20, 40])),
    ),
    min_size=8, max_size=30,
)  # fmt: skip


@given(story=steps)
@settings(
    max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_rewards_are_a_function_of_the_story(live: Live, story: list[tuple[str, Any]]) -> None:
    guest, expected = Guest(live), Expected()
    for what, how in story:
        step(guest, expected, what, how)
        albums = {one.ordinal: one.status for one in guest.rewards("every_third")}

        assert expected.state == albums
        once(guest)
    assert {} == live.verify()


def step(guest: Guest, expected: Expected, what: str, how: Any) -> None:
    match what:
        case "stay" | "cancel":
            if what == "stay" or how in expected.there:
                guest.stay(how, "checked_out" if what == "stay" else "cancelled")
                expected.count(how, stays=what == "stay")
        case "use":
            use_one(guest, expected, how)
        case "choose":
            choose(guest, how)
        case "spend":
            guest.tried(guest.spend(how))
        case "benefit" | "give back":
            guest.tried(guest.room(UseRequest() if what == "benefit" else ReturnRequest()))
        case _:
            guest.live.clock.advance(timedelta(days=how))
            guest.live.run(worker.lapse_rewards(guest.service))


def use_one(guest: Guest, expected: Expected, place: int) -> None:
    there = [one for one in guest.rewards() if one.status == "issued" and one.kind != "points"]
    if place < len(there):
        assert "" == guest.tried(guest.use(there[place]))
        if there[place].milestone == "every_third":
            expected.state[there[place].ordinal] = "used"


def choose(guest: Guest, wanted: list[str]) -> None:
    for one in guest.rewards("year_nights"):
        codes = [code for code in wanted if code in {option.code for option in one.options}]
        if one.status == "open":
            assert guest.tried(guest.choose(one, codes[: one.pick])) in {"", "choice_over"}


def once(guest: Guest) -> None:
    """Check that each crossing gave what it gives, and no more."""
    places = Counter((one.milestone, one.period, one.ordinal) for one in guest.rewards())
    most = {"year_nights": 2}
    granted = {
        (row["milestone"], row["period"], row["ordinal"])
        for row in guest.live.query(
            "SELECT milestone, period, ordinal FROM milestone_grant WHERE member_id = $1 AND status = 'granted'",
            guest.member_id,
        )
    }

    assert all(count <= most.get(place[0], 1) for place, count in places.items())
    assert granted <= places.keys()
    assert {"flagged"} >= {
        one.status for one in guest.rewards() if (one.milestone, one.period, one.ordinal) not in granted
    }


def test_earn_then_reverse_is_the_identity_for_what_nobody_used(live: Live) -> None:
    guest = Guest(live)
    guest.stay(1)
    before = guest.books.balance("T1")
    for place in (2, 3, 4, 5):
        guest.stay(place)
    given = Counter(one.milestone for one in guest.rewards())
    for place in (5, 3, 2, 4):
        guest.stay(place, "cancelled")

    assert {"second_stay": 1, "every_third": 1, "year_nights": 1} == given
    assert [] == guest.rewards()
    assert before == guest.books.balance("T1")


def test_a_stay_that_moves_takes_its_milestone_and_the_points_along(live: Live) -> None:
    guest, books = Guest(live), LiveBooks(live)
    books.enrol("T2", "enrol-2")
    guest.stay(1)
    guest.stay(2)
    first = guest.began - timedelta(days=36)
    moved = posting(
        stay_ref=f"{guest.books.prefix}S-2", member=books.prefix + "T2", revision=9, arrival=first,
        departure=first + timedelta(days=1),
    )  # fmt: skip
    live.run(live.service.post_stay(moved, "test"))

    assert ([], 100) == (guest.rewards(), guest.books.balance("T1").available)
    assert {} == live.verify()


def test_points_that_were_spent_are_flagged_for_the_staff_and_come_right_again(live: Live) -> None:
    guest = Guest(live)
    guest.stay(1)
    guest.stay(2)
    live.run(guest.spend(650))
    guest.stay(2, "cancelled")
    flagged = live.run(rewarding.flagged(live.service, LAST, 10))
    guest.stay(3)

    assert [guest.number] == [one.number for one in flagged if one.member_id == guest.member_id]
    assert [("bonus", "used")] == [(one.code, one.status) for one in guest.rewards("second_stay")]
    # 100 of each stay that stands, 500 once, less 650.
    assert 50 == guest.books.balance("T1").available
    assert {} == live.verify()


# --- at the same time -----------------------------------------------------------------------------------------------


async def all_of(works: list[Any]) -> list[str]:
    """Run requests at the same time; return what each was refused with."""
    done = await asyncio.gather(*works, return_exceptions=True)
    assert not [one for one in done if isinstance(one, BaseException) and not isinstance(one, Problem)]
    return [refusal_of(one) for one in done]


def refusal_of(done: Any) -> str:
    """Return the code of a refusal, kept under its key or not; nothing for what was done."""
    if isinstance(done, Problem):
        return done.code
    return json.loads(done.body)["code"] if isinstance(done, Answer) and done.status >= 400 else ""


def test_of_twenty_who_use_a_reward_at_the_same_time_one_does(live: Live) -> None:
    guest = Guest(live)
    for place in (1, 2, 3):
        guest.stay(place)
    [album] = guest.rewards("every_third")
    works = [
        rewarding.use(service, guest.member_id, id_of(album), Occasion(), "test", guest.key())
        for _ in range(10)
        for service in live.services
    ]

    assert {"": 1, "reward_not_usable": 19} == Counter(live.run(all_of(works)))
    assert {} == live.verify()


def test_of_twenty_who_use_a_benefit_at_the_same_time_as_many_do_as_are_left(live: Live) -> None:
    guest = Guest(live)
    for place in range(5):
        guest.stay(place)
    works = [
        rewarding.use_benefit(service, guest.member_id, "meeting_room", UseRequest(), "test", guest.key())
        for _ in range(10)
        for service in live.services
    ]
    outcomes = Counter(live.run(all_of(works)))
    [room] = [one for one in guest.books.balance("T1").tier.benefits if one.code == "meeting_room"]

    assert {"": 2, "benefit_used_up": 18} == outcomes
    assert (2, 0) == (room.yearly, room.left)


def test_many_who_choose_at_the_same_time_choose_each_for_himself(live: Live) -> None:
    guests = [Guest(live) for _ in range(8)]
    for guest in guests:
        for place in range(5):
            guest.stay(place)
    found = live.run(
        all_of([guest.choose(guest.rewards("year_nights")[0], ["spa", "points"]) for guest in guests])
    )

    assert [""] * 8 == found
    assert [["points", "spa"]] * 8 == [
        sorted(one.code for one in guest.rewards("year_nights")) for guest in guests
    ]


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=12)], ids=["before", "after"])
def test_a_choice_and_the_end_of_its_time_come_to_one(live: Live, late: timedelta) -> None:
    guest = Guest(live)
    for place in range(5):
        guest.stay(place)
    [row] = guest.rewards("year_nights")
    assert row.choose_by is not None
    ahead = (row.choose_by - live.service.today()).days
    live.clock.advance(timedelta(days=ahead) + late)
    one, other = live.services
    works = [guest.choose(row, ["suite", "spa"], service) for service in live.services]
    works += [rewarding.lapse(service, guest.member_id) for service in live.services]
    outcomes = live.run(all_of(works))
    codes = {one.code for one in guest.rewards("year_nights")}
    chosen = outcomes[:2].count("")

    assert one is not other
    assert (1 if late == timedelta(0) else 0) == chosen
    assert ({"suite", "spa"} if chosen else {"points", "spa"}) == codes
    assert {} == live.verify()


def test_the_job_does_each_thing_once_however_often_and_by_whomever_it_is_run(live: Live) -> None:
    guests = [Guest(live) for _ in range(3)]
    for guest in guests:
        for place in range(5):
            guest.stay(place)
    live.clock.advance(timedelta(days=11))

    async def run() -> None:
        await asyncio.gather(*(worker.lapse_rewards(service) for service in live.services for _ in range(2)))

    live.run(run())
    lines = [entry.kind for guest in guests for entry in guest.books.statement("T1")]

    assert 3 == lines.count("reward_chosen")
    assert [{"points", "spa"}] * 3 == [{one.code for one in guest.rewards("year_nights")} for guest in guests]
    assert 0 == live.run(worker.lapse_rewards(live.service))
    assert {} == live.verify()


def test_the_balance_tells_what_is_to_be_chosen_and_what_is_left(live: Live) -> None:
    guest = Guest(live)
    for place in range(5):
        guest.stay(place)
    view = guest.books.balance("T1")
    live.clock.advance(timedelta(days=11))
    later = guest.books.balance("T1")

    assert [("year_nights", live.service.today() - timedelta(days=1))] == [
        (one.milestone, one.choose_by) for one in view.choices
    ]
    assert [] == later.choices
    assert [2] == [one.left for one in view.tier.benefits]
    assert [(None, 2, ["spa", "points", "suite"])] == [
        (one.reward, one.pick, [option.code for option in one.options])
        for one in view.milestones if one.code == "year_nights"
    ]  # fmt: skip


def test_a_key_is_answered_the_same_for_good(live: Live, tmp_path: Path) -> None:
    del tmp_path
    guest = Guest(live)
    for place in (1, 2, 3):
        guest.stay(place)
    [album] = guest.rewards("every_third")
    key = guest.key(b"body")
    first = live.run(guest.use(album, key))
    again = live.run(guest.use(album, key))

    assert (first.body, True) == (again.body, again.replayed)
    assert date.fromisoformat("2026-01-01") <= live.service.today()
