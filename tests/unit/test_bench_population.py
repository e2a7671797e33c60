import datetime as dt
import itertools

from loyalty import ids
from loyalty.bench import fixtures, population
from loyalty.bench.population import FULL, QUICK

ENROLLED = dt.datetime(2024, 12, 22, tzinfo=dt.UTC)


def test_the_databases_have_the_members_and_journals_they_are_said_to_have() -> None:
    for size in (FULL, QUICK):
        main, small = population.main_population(size), population.small_population(size)
        crowd = [group for group in main if group.name == "crowd"]

        assert size.members == sum(group.members for group in crowd)
        assert size.journals == sum(group.journals for group in main)
        assert size.small_members == sum(group.members for group in small)
        assert size.small_journals == sum(group.journals for group in small)


def test_groups_do_not_overlap() -> None:
    main = population.main_population(QUICK)

    for one, following in itertools.pairwise(main):
        assert one.indexes.stop == following.first


def test_each_round_and_the_warm_up_have_members_of_short_history_of_their_own() -> None:
    names = [group.name for group in population.main_population(QUICK)]

    assert [f"short{number}" for number in range(QUICK.rounds + 1)] == names[-QUICK.rounds - 1 :]


def test_a_member_id_is_a_uuid_of_version_7_that_ends_in_the_shard() -> None:
    found = population.member_id(123_456, 3, ENROLLED)

    assert 3 == ids.shard_of(found)
    assert (7, "specified in RFC 4122") == (found.version, found.variant)


def test_no_history_reaches_into_the_future_or_before_the_enrolment() -> None:
    now = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    enrolled = population.enrolment(now)

    for stays in (1, 2, 5, 500, 5000):
        first = population.ended_on(1, stays, enrolled)
        last = population.ended_on(stays, stays, enrolled)
        assert enrolled.date() < first <= last < now.date()


def test_counters_add_up_over_the_years() -> None:
    found = population.counters(5, ENROLLED)

    assert {"nights": 100, "stays": 5, "spend": 705_500} == {
        unit: sum(year[unit] for year in found.values()) for unit in ("nights", "stays", "spend")
    }
    assert population.counters(0, ENROLLED) == {}


def test_portions_cover_every_stay_once() -> None:
    groups = population.main_population(FULL)

    covered = sum((last - first + 1) * members for _, first, last, members in fixtures.portions(groups))

    assert sum(group.members * group.stays for group in groups) == covered
