"""Versions of the program in a database: publishing, withdrawing, who is judged by which, and budgets of all shards."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty import moving
from loyalty.commands import store
from loyalty.commands.give_status import GiveStatus, StatusRequest
from loyalty.commands.model import Answer
from loyalty.commands.versions import BEGINNING
from loyalty.errors import Problem
from loyalty.ids import number_shard, parse
from loyalty.members.model import EnrolRequest
from loyalty.migrate import migrate
from loyalty.program import store as versions_store
from loyalty.service import Service
from loyalty.worker import review_tiers
from tests.builders import PROGRAM, changed, lines, posting, reply
from tests.property.live import PRINCIPAL, Live, opened
from tests.property.strategies import START

SHARDS = 4
FIRST = PROGRAM.lstrip()
SECOND = changed(FIRST, version="2").replace('room = "1"', 'room = "3"')
SOON = START + timedelta(days=2)


@pytest.fixture
def live(database: str, tmp_path: Path) -> Iterator[Live]:
    """Two worker processes over a database that begins with the small program."""
    with begun(database, tmp_path, FIRST) as workers:
        yield workers


def begun(dsn: str, directory: Path, definition: str) -> Any:
    path = directory / "program.toml"
    path.write_text(definition, encoding="utf-8")
    return opened(dsn, None, directory, services=2, program=path)


def publish(live: Live, definition: str, day: date, *, by: int = 0, dry_run: bool = False) -> Any:
    """Return the version and whether it is new, or why it was refused."""
    return attempt(live, live.services[by].publish(definition, day, "test", dry_run=dry_run))


def attempt(live: Live, work: Any) -> Any:
    try:
        return live.run(work)
    except Problem as problem:
        return problem.code


def enrol(live: Live, *numbers: str) -> None:
    async def work() -> None:
        for number in numbers:
            await live.service.enrol(EnrolRequest(number=number), "test", None)

    live.run(work())


def stay(live: Live, ends: date, *, by: int = 0, nights: int = 1, **fields: Any) -> dict[str, Any]:
    """Post a stay that ends on a day; return what was answered."""
    told = posting(arrival=ends - timedelta(days=nights), departure=ends, **fields)
    return dict(reply(live.run(live.services[by].post_stay(told, "test"))))


def labels(live: Live) -> list[tuple[int, date]]:
    return [(one.version, one.effective_from) for one in live.run(live.service.programs())]


# --- publishing -------------------------------------------------------------------------------------------------------


def test_a_database_begins_with_the_definition_that_the_settings_name_from_the_beginning_of_time(
    live: Live,
) -> None:
    assert [(1, date(1970, 1, 1))] == labels(live)
    assert "small@1" == live.service.rules.label


def test_a_version_is_published_once_however_often_it_is_sent(live: Live) -> None:
    one, new = publish(live, SECOND, SOON)
    again = publish(live, SECOND, SOON, by=1)

    assert (2, True, "test") == (one.version, new, one.published_by)
    assert (one, False) == again
    assert [(1, date(1970, 1, 1)), (2, SOON)] == labels(live)


def test_a_dry_run_tells_what_would_happen_and_writes_nothing(live: Live) -> None:
    one, new = publish(live, SECOND, SOON, dry_run=True)

    assert (2, True) == (one.version, new)
    assert "version_taken" == publish(live, changed(SECOND, version="1"), SOON, dry_run=True)
    assert [(1, date(1970, 1, 1))] == labels(live)


@pytest.mark.parametrize(
    ("definition", "day", "code"),
    [
        (SECOND.replace('room = "3"', 'room = "4"'), SOON + timedelta(days=9), "version_taken"),
        (changed(SECOND, version="3"), SOON, "version_taken"),
        (changed(SECOND, version="3", id='"other"'), SOON + timedelta(days=1), "invalid_value"),
        (changed(SECOND, version="3", currency='"USD"'), SOON + timedelta(days=1), "invalid_value"),
        (SECOND + '\n[[tier]]\ncode = "gold"\n', SOON + timedelta(days=1), "invalid_program"),
        ("no TOML at all", SOON, "invalid_program"),
    ],
)
def test_what_does_not_fit_is_refused(live: Live, definition: str, day: date, code: str) -> None:
    publish(live, SECOND, SOON)

    assert code == publish(live, definition, day)
    assert [(1, date(1970, 1, 1)), (2, SOON)] == labels(live)


def test_a_past_day_is_free_until_a_stay_has_been_judged_at_it(live: Live) -> None:
    enrol(live, "T1")
    stay(live, START - timedelta(days=3))

    assert "version_in_past" == publish(live, SECOND, START - timedelta(days=3))
    assert "version_in_past" == publish(live, SECOND, START - timedelta(days=30))
    assert publish(live, SECOND, START - timedelta(days=2))[1]
    assert "small@2" == stay(live, START - timedelta(days=2), stay_ref="R-2")["program"]


def test_a_future_day_is_always_free(live: Live) -> None:
    enrol(live, "T1")
    stay(live, START)

    assert "version_in_past" == publish(live, SECOND, START)
    assert publish(live, SECOND, SOON)[1]


# --- withdrawing ------------------------------------------------------------------------------------------------------


def test_a_version_that_was_not_used_is_withdrawn_and_its_number_is_free_again(live: Live) -> None:
    publish(live, SECOND, SOON)
    live.run(live.service.withdraw(2))

    assert [(1, date(1970, 1, 1))] == labels(live)
    assert publish(live, SECOND, SOON + timedelta(days=5))[1]


def test_what_is_in_use_stays(live: Live) -> None:
    enrol(live, "T1")
    publish(live, SECOND, SOON)
    live.clock.advance(timedelta(days=3))
    stay(live, SOON)

    assert "version_in_use" == attempt(live, live.service.withdraw(2))
    assert "version_in_use" == attempt(live, live.service.withdraw(1))
    assert "unknown_version" == attempt(live, live.service.withdraw(9))
    assert [(1, date(1970, 1, 1)), (2, SOON)] == labels(live)


# --- who is judged by which -------------------------------------------------------------------------------------------


def test_a_version_that_one_worker_publishes_is_known_to_the_next_batch_of_the_other(live: Live) -> None:
    enrol(live, "T1")
    publish(live, SECOND, SOON, by=0)
    live.clock.advance(timedelta(days=3))
    # The other worker has never been asked about versions.
    found = [stay(live, SOON + timedelta(days=day), by=1, stay_ref=f"R-{day}") for day in (-1, 0)]

    assert [("small@1", 100), ("small@2", 300)] == [(one["program"], one["points"]["base"]) for one in found]
    assert 2 == len(live.services[1].rules.versions)
    assert {} == live.verify()


def test_a_version_that_one_worker_withdraws_is_forgotten_by_the_other(live: Live) -> None:
    enrol(live, "T1")
    publish(live, SECOND, SOON)
    live.run(live.services[1].refresh_rules())
    live.run(live.services[0].withdraw(2))
    live.clock.advance(timedelta(days=3))

    assert "small@1" == stay(live, SOON, by=1)["program"]


def test_a_revision_is_judged_by_the_version_at_its_check_out_whatever_came_since(live: Live) -> None:
    enrol(live, "T1")
    stay(live, START, revision=1)
    publish(live, SECOND, SOON)
    live.clock.advance(timedelta(days=9))
    corrected = stay(live, START, revision=2, lines=lines(room="200.00"))
    moved = stay(live, SOON, revision=3, lines=lines(room="200.00"))

    assert [("small@1", 200), ("small@2", 600)] == [
        (one["program"], one["points"]["base"]) for one in (corrected, moved)
    ]
    assert {} == live.verify()


def test_verify_judges_by_the_versions_in_the_database(live: Live) -> None:
    enrol(live, "T1")
    publish(live, SECOND.replace('every = "3"', 'every = "2"'), SOON)
    live.clock.advance(timedelta(days=9))
    for day in range(6):
        stay(live, START + timedelta(days=day), stay_ref=f"R-{day}")

    assert {} == live.verify()


RARER = SECOND.replace('every = "3"', 'every = "6"')


def granted(live: Live) -> list[int]:
    """Return which third stays stand as milestones."""
    rows = live.query(
        "SELECT ordinal FROM milestone_grant WHERE status = 'granted' AND milestone = 'every_third' ORDER BY ordinal"
    )
    return [row["ordinal"] for row in rows]


def test_a_milestone_with_other_marks_is_not_given_again_and_stands_by_the_mark_that_gave_it(
    live: Live,
) -> None:
    enrol(live, "T1")
    for number in range(3):
        stay(live, START, stay_ref=f"A-{number}", revision=0)
    publish(live, RARER, SOON)
    live.clock.advance(timedelta(days=9))
    later = [stay(live, SOON, stay_ref=f"B-{number}", revision=0) for number in range(9)]
    known = granted(live)
    stay(live, SOON, stay_ref="B-0", revision=1, status="cancelled")
    fewer = granted(live)
    for number in range(1, 9):
        stay(live, SOON, stay_ref=f"B-{number}", revision=1, status="cancelled")
    back = granted(live)
    stay(live, START, stay_ref="A-0", revision=1, status="cancelled")

    # Every sixth stay: the sixth would be the first again, the twelfth is the second.
    told = [
        [one["ordinal"] for one in answer["milestones"] if one["code"] == "every_third"] for answer in later
    ]
    assert [[]] * 8 + [[2]] == told
    assert ([1, 2], [1], [1], []) == (known, fewer, back, granted(live))
    assert {} == live.verify()


def test_a_milestone_lost_with_an_older_stay_comes_back_with_it_by_the_mark_that_gave_it(live: Live) -> None:
    publish(live, SECOND.replace('every = "3"', 'every = "2"'), SOON)
    live.clock.advance(timedelta(days=9))
    enrol(live, "T1", "T2")
    stay(live, START, stay_ref="A", revision=0)
    stay(live, SOON, stay_ref="B", revision=0)
    known = granted(live)
    stay(live, START, stay_ref="A", revision=1, status="cancelled")
    lost = granted(live)
    stay(live, START, stay_ref="A", revision=2)
    again = granted(live)
    # Likewise where the stay was another member's meanwhile.
    stay(live, START, stay_ref="A", revision=3, member="T2")
    gone = granted(live)
    stay(live, START, stay_ref="A", revision=4)

    assert ([1], [], [1], [], [1]) == (known, lost, again, gone, granted(live))
    assert {} == live.verify()


@pytest.mark.parametrize(("stays", "merged"), [(3, [1, 2]), (2, [1])])
def test_a_merge_keeps_what_both_reach_together_by_the_marks_that_gave_it(
    live: Live, stays: int, merged: list[int]
) -> None:
    enrol(live, "T1", "T2")
    for number in range(3):
        stay(live, START, stay_ref=f"A-{number}", revision=0)
        if number < stays:
            stay(live, START, stay_ref=f"B-{number}", member="T2", revision=0)
    publish(live, RARER, SOON)
    live.clock.advance(timedelta(days=9))
    key = live.service.key(PRINCIPAL, "merge", b"")
    answer = live.run(moving.merge(live.service, "T2", "T1", "test", key))
    together = granted(live)
    undone = live.service.key(PRINCIPAL, "undo", b"")
    merge_id = parse("mrg", reply(answer)["merge_id"])
    live.run(moving.unmerge(live.service, merge_id, "test", undone))

    assert (merged, {}) == (together, live.verify())


@pytest.mark.parametrize("first", ["A", "B"])
def test_a_milestone_that_the_program_no_longer_has_is_lost_with_what_it_was_given_for(
    live: Live, first: str
) -> None:
    enrol(live, "T1")
    for number in range(3):
        stay(live, START, stay_ref=f"A-{number}", revision=0)
    publish(live, SECOND[: SECOND.index("[[milestone]]")] + SECOND[SECOND.index("[expiry]") :], SOON)
    live.clock.advance(timedelta(days=9))
    for number in range(3):
        stay(live, SOON, stay_ref=f"B-{number}", revision=0)
    days = {"A": START, "B": SOON}
    order = [first, "B" if first == "A" else "A"]
    for ref in order:
        for number in range(3):
            stay(live, days[ref], stay_ref=f"{ref}-{number}", revision=1, status="cancelled")

    assert [] == granted(live)
    assert {} == live.verify()


def test_a_stay_that_comes_under_a_later_version_may_have_its_promotions(live: Live) -> None:
    first, again = ("nth_stay = [1]\npoints = 5", "first"), ("nth_stay = [1, 2]\npoints = 70", "again")
    promotion = '\n[[promotion]]\ncode = "{1}"\nname = {{ en = "P", zh = "促" }}\n{0}\n'
    publish(live, changed(FIRST, version="2") + promotion.format(*first), SOON)
    third = changed(FIRST, version="3") + promotion.format(*first) + promotion.format(*again)
    publish(live, third, SOON + timedelta(days=5))
    live.clock.advance(timedelta(days=20))
    enrol(live, "T1", "T2")
    early, late = SOON, SOON + timedelta(days=9)
    wrong = stay(live, early, revision=0)
    right = stay(live, late, revision=1)
    stay(live, late, stay_ref="R-2", nights=2)
    back = stay(live, early, revision=2)
    forth = stay(live, late, revision=3)

    assert [5, 75, 5, 75] == [one["points"]["promotion"] for one in (wrong, right, back, forth)]
    assert {} == live.verify()


FEWER_TIERS = SECOND[: SECOND.rindex("[[tier]]")] + SECOND[SECOND.index("[[milestone]]") :]
"""Without platinum, so that gold is the highest."""


def test_a_stay_over_the_turn_is_judged_by_the_tier_that_stands_for_the_one_on_arrival(live: Live) -> None:
    enrol(live, "T1")
    stay(live, START, nights=9, lines=[])
    publish(live, FEWER_TIERS, SOON)
    live.clock.advance(timedelta(days=9))
    first = stay(live, SOON, nights=2, stay_ref="R-2", lines=lines(room="100.00"), revision=0)
    before = stay(live, START, nights=1, stay_ref="R-2", lines=lines(room="100.00"), revision=1)

    # 25 % of 300 as gold; by the version before the turn still 50 % of 100, as platinum.
    assert [("small@2", 75), ("small@1", 50)] == [
        (one["program"], one["points"]["tier_bonus"]) for one in (first, before)
    ]
    assert {} == live.verify()


def test_a_given_tier_that_a_version_no_longer_has_is_the_one_in_its_place(live: Live) -> None:
    enrol(live, "T1")
    given = StatusRequest(tier="platinum", kind="gifted", reason="A guest of honour")
    key = live.service.key(PRINCIPAL, "k", b"")
    live.run(live.service.submit(GiveStatus("T1", given, "test", key)))
    publish(live, FEWER_TIERS, SOON)
    live.clock.advance(timedelta(days=9))
    told = stay(live, SOON + timedelta(days=3), lines=lines(room="100.00"))

    assert ("gold", 75) == (told["tier"]["before"], told["points"]["tier_bonus"])
    assert {} == live.verify()


def test_a_version_that_looks_at_days_has_everything_counted_again_with_what_promotions_gave(
    database: str, tmp_path: Path
) -> None:
    free = FIRST + PROMOTION.replace(f"budget = {BUDGET}", "per_member = 120")
    by_day = changed(free, version="2") + "\n[counting]\nconsecutive = true\n"
    with begun(database, tmp_path, free) as live:
        enrol(live, "T1")
        stay(live, START, nights=1, stay_ref="R-1")
        publish(live, by_day, SOON)
        live.clock.advance(timedelta(days=5))
        second = stay(live, SOON, stay_ref="R-2", lines=lines(room="100.00"))
        third = stay(live, SOON + timedelta(days=2), stay_ref="R-3", lines=lines(room="100.00"))
        [row] = live.query("SELECT counters ->> $1 AS of_year FROM member", str(START.year))

        assert [50, 20] == [one["points"]["promotion"] for one in (second, third)]
        assert '"promotion:shared":120' in row["of_year"]
        assert {} == live.verify()


# --- reviews ----------------------------------------------------------------------------------------------------------


def test_reviews_are_written_once_by_however_many_workers_and_go_on_where_they_were_broken_off(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [f"T{number}" for number in range(9)]
    enrol(live, *numbers)
    for number in numbers:
        stay(live, START, nights=9, member=number, stay_ref=number)
    live.clock.advance(timedelta(days=2 * 366))
    review, done = Service.review, list[int]()

    async def broken_off(service: Service, member_id: Any) -> None:
        if len(done) == 4:
            raise ConnectionError
        done.append(1)
        await review(service, member_id)

    with monkeypatch.context() as patch:
        patch.setattr(Service, "review", broken_off)
        with pytest.raises(ConnectionError):
            live.run(review_tiers(live.service))

    async def both() -> None:
        await asyncio.gather(*map(review_tiers, live.services))

    live.run(both())
    live.run(both())

    rows = live.query("SELECT member_id, count(*) AS n FROM journal WHERE kind = 'tier_reviewed' GROUP BY 1")
    events = live.query(
        "SELECT count(*) FROM outbox WHERE type = 'tier.changed' AND payload ->> 'after' = 'silver'"
    )
    assert {1} == {row["n"] for row in rows}
    assert (len(numbers), len(numbers)) == (len(rows), events[0][0])
    assert {} == live.verify()


def test_a_version_with_other_tiers_has_everybody_reviewed_on_its_first_day(live: Live) -> None:
    enrol(live, "T1")
    before = stay(live, START, nights=2)["tier"]["after"]
    publish(live, SECOND.replace('nights = "4"', 'nights = "2"'), SOON)
    live.run(review_tiers(live.service))
    live.clock.advance(timedelta(days=2))
    looked_at = live.run(review_tiers(live.service))

    assert ("silver", 1) == (before, looked_at)
    assert [("silver", "gold")] == [
        (row[0], row[1]) for row in live.query(
            "SELECT payload ->> 'before', payload ->> 'after' FROM outbox WHERE type = 'tier.changed'"
        )
    ]  # fmt: skip


def test_a_version_that_is_withdrawn_after_tiers_were_reviewed_by_it_has_them_reviewed_again(
    live: Live,
) -> None:
    enrol(live, "T1")
    stay(live, START, nights=2)
    publish(live, SECOND.replace('nights = "4"', 'nights = "2"'), SOON)
    live.clock.advance(timedelta(days=3))
    live.run(review_tiers(live.service))
    live.run(live.service.withdraw(2))
    live.run(review_tiers(live.service))
    after = stay(live, SOON, stay_ref="R-2", lines=lines(room="100.00"), nights=1)

    assert ("silver", 0) == (after["tier"]["before"], after["points"]["tier_bonus"])
    assert [("silver", "gold"), ("gold", "silver")] == [
        (row[0], row[1])
        for row in live.query(
            "SELECT payload ->> 'before', payload ->> 'after' FROM outbox WHERE type = 'tier.changed' ORDER BY event_id"
        )
    ]
    assert {} == live.verify()


# --- budgets ----------------------------------------------------------------------------------------------------------

BUDGET = 1_000
PROMOTION = f"""
[[promotion]]
code = "shared"
name = {{ en = "Shared", zh = "共享" }}
percent = "50"
budget = {BUDGET}
"""


@pytest.fixture
def sharing(empty_database: str, tmp_path: Path) -> Iterator[Live]:
    """Two workers over four shards, and a budget for all members together."""
    asyncio.run(migrate(empty_database, shards=SHARDS))
    with begun(empty_database, tmp_path, FIRST + PROMOTION) as workers:
        yield workers


def everywhere(live: Live, each: int) -> list[str]:
    """Enrol so many members in each shard; return their numbers."""
    found: defaultdict[int, list[str]] = defaultdict(list)
    number = 0
    while sum(map(len, found.values())) < each * SHARDS:
        number += 1
        of_shard = found[number_shard(f"T{number}", SHARDS)]
        if len(of_shard) < each:
            of_shard.append(f"T{number}")
    numbers = [one for several in found.values() for one in several]
    enrol(live, *numbers)
    return numbers


def post_all(live: Live, numbers: list[str], **fields: Any) -> list[dict[str, Any]]:
    """Post a stay of each member at the same time, to either worker."""

    async def work() -> list[Answer]:
        return await asyncio.gather(
            *(
                live.services[place % 2].post_stay(
                    posting(member=number, stay_ref=f"S-{number}", **fields), "test"
                )
                for place, number in enumerate(numbers)
            )
        )

    return [dict(reply(one)) for one in live.run(work())]


def given(live: Live) -> tuple[int, int, int]:
    """Return what transfers say that the promotion gave, what is used of its budget, and what is leased."""
    [row] = live.query("""
        SELECT (SELECT coalesce(sum(CASE WHEN credit = 'available' THEN amount ELSE -amount END), 0)::bigint
                FROM transfer WHERE kind = 'promotion:shared'),
               (SELECT sum(used)::bigint FROM promotion_budget), (SELECT sum(leased)::bigint FROM promotion_pool)""")
    return row[0], row[1], row[2]


def test_a_budget_is_never_exceeded_and_used_to_the_last_point_by_all_shards_at_once(sharing: Live) -> None:
    numbers = everywhere(sharing, 16)
    # Each wants 37 points, all together 2,368.
    answers = post_all(sharing, numbers, lines=lines(room="74.00"))
    at_once = given(sharing)
    later = one_after_another(sharing, numbers)

    assert 64 == len(answers)
    assert 37 == max(one["points"]["promotion"] for one in answers)
    assert sum(one["points"]["promotion"] for one in answers) == at_once[0] == at_once[1] <= BUDGET
    # Whatever shards had left over by then is found by those who ask for more.
    assert (BUDGET, BUDGET, BUDGET) == given(sharing)
    assert 0 == later[-1]["points"]["promotion"]
    assert {} == sharing.verify()


def one_after_another(live: Live, numbers: list[str]) -> list[dict[str, Any]]:
    """Post one more stay of each member, one after another."""
    return [
        stay(
            live, START - timedelta(days=9), member=number, stay_ref=f"L-{number}", lines=lines(room="74.00")
        )
        for number in numbers
    ]


def test_what_a_reversed_stay_had_of_a_budget_is_there_for_others(sharing: Live) -> None:
    numbers = everywhere(sharing, 2)
    full = post_all(sharing, numbers[:1], lines=lines(room="2000.00"))
    without = post_all(sharing, numbers[1:2], lines=lines(room="100.00"))
    post_all(sharing, numbers[:1], lines=lines(room="2000.00"), status="cancelled")
    returned = given(sharing)
    # In another shard, and more than was ever leased there.
    after = post_all(sharing, numbers[-1:], lines=lines(room="600.00"))

    assert [BUDGET, 0, 300] == [one[0]["points"]["promotion"] for one in (full, without, after)]
    assert (0, 0, BUDGET) == returned
    assert (300, 300, BUDGET) == given(sharing)
    assert {} == sharing.verify()


def test_a_correction_keeps_what_the_stay_has_had_and_takes_no_more_than_there_is(sharing: Live) -> None:
    [number] = everywhere(sharing, 1)[:1]
    told = [
        post_all(sharing, [number], lines=lines(room=room), revision=revision)[0]["points"]["promotion"]
        for revision, room in enumerate(("1000.00", "1500.00", "5000.00", "200.00"))
    ]

    assert [500, 750, BUDGET, 100] == told
    assert (100, 100, BUDGET) == given(sharing)
    assert {} == sharing.verify()


def test_a_budget_can_be_raised_and_lowered_to_what_is_taken_of_it(sharing: Live) -> None:
    numbers = everywhere(sharing, 1)
    post_all(sharing, numbers[:1], lines=lines(room="1800.00"))
    leased = given(sharing)[2]
    versions = {
        budget: changed((FIRST + PROMOTION).replace(f"= {BUDGET}", f"= {budget}"), version=str(place))
        for place, budget in enumerate((leased - 1, leased, 3_000), 2)
    }

    assert 900 <= leased < BUDGET
    assert "budget_too_small" == publish(sharing, versions[leased - 1], SOON)
    assert publish(sharing, versions[leased], SOON)[1]
    assert publish(sharing, versions[3_000], SOON + timedelta(days=1))[1]
    post_all(sharing, numbers[1:2], lines=lines(room="6000.00"))
    assert 3_000 == given(sharing)[0]


def test_a_budget_is_what_it_was_once_the_version_that_raised_it_is_withdrawn(sharing: Live) -> None:
    numbers = everywhere(sharing, 1)
    raised = changed((FIRST + PROMOTION).replace(f"= {BUDGET}", "= 3000"), version="2")
    publish(sharing, raised, SOON)
    sharing.run(sharing.service.withdraw(2))
    post_all(sharing, numbers[:1], lines=lines(room="6000.00"))

    assert BUDGET == given(sharing)[0]


def test_a_stay_judged_before_its_promotion_had_a_budget_gives_nothing_back_to_it(
    database: str, tmp_path: Path
) -> None:
    free = FIRST + PROMOTION.replace(f"budget = {BUDGET}", "")
    with begun(database, tmp_path, free) as live:
        enrol(live, "T1", "T2")
        stay(live, START, revision=1)
        publish(live, changed(FIRST + PROMOTION, version="2"), SOON)
        live.clock.advance(timedelta(days=5))
        stay(live, SOON, member="T2", stay_ref="R-2")
        reversed_ = stay(live, START, revision=2, status="cancelled")

        assert (-150, 0) == (reversed_["change"], reversed_["points"]["total"])
        assert 50 == given(live)[1]
        assert {} == live.verify()


# --- publishing while stays are posted --------------------------------------------------------------------------------


def paused(
    live: Live, monkeypatch: pytest.MonkeyPatch, where: str, meanwhile: Callable[[], Awaitable[Any]]
) -> None:
    """Do something once, right before the first batch's rows are written (`write`), or after they are read."""
    real = getattr(store, where)
    waiting = [meanwhile]

    async def pausing(*args: Any, **fields: Any) -> Any:
        if where == "write":
            while waiting:
                await waiting.pop()()
        found = await real(*args, **fields)
        while waiting:
            await waiting.pop()()
        return found

    monkeypatch.setattr(store, where, pausing)


@pytest.mark.parametrize("where", ["read_facts", "write"])
def test_a_stay_under_way_is_judged_by_a_version_that_is_published_meanwhile(
    live: Live, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    enrol(live, "T1")
    live.run(live.services[1].programs())

    async def meanwhile() -> None:
        await live.services[1].publish(SECOND, START, "test")

    paused(live, monkeypatch, where, meanwhile)
    assert "small@2" == stay(live, START)["program"]
    assert [(1, BEGINNING), (2, START)] == labels(live)
    assert {} == live.verify()


def test_a_version_for_a_day_that_is_judged_while_it_is_published_is_refused(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(live, "T1")
    real = versions_store.last_judged

    async def judging_meanwhile(connection: Any) -> Any:
        found = await real(connection)
        told = posting(arrival=START - timedelta(days=1), departure=START)
        await live.services[1].post_stay(told, "test")
        return found

    monkeypatch.setattr(versions_store, "last_judged", judging_meanwhile)
    assert "version_in_past" == publish(live, SECOND, START)
    assert [(1, BEGINNING)] == labels(live)
