"""Tiers under all rules of qualification: against brute force, day by day, and what folding days must not change."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member, Status, Traits
from loyalty.program.model import Bar, Lifetime, Qualification
from loyalty.tiers import standing as standing_file
from loyalty.tiers.following import Following
from loyalty.tiers.ladder import Ladder, Level
from loyalty.tiers.marks import changes
from loyalty.tiers.standing import Tiers
from tests.builders import counted, member

TODAY = date(2026, 6, 10)
DAY = timedelta(days=1)
AHEAD = 3 * 366
CODES = ("basic", "silver", "gold", "platinum")
FOR_ALL = date(2000, 1, 1)


# --- what there is ----------------------------------------------------------------------------------------------------


def ladder(reach: list[int], rules: Qualification, **more: Any) -> Ladder:
    """Return tiers by nights (whole ones here): `keep`, `permanent`, `spend` by place, and tiers for life."""
    keep, permanent, spend = more.get("keep", reach), more.get("permanent", ()), more.get("spend", ())
    levels = [Level(0, "basic", {}, 0, ())]
    for place, nights in enumerate(reach):
        code = CODES[place + 1]
        asked = (("spend", spend[place]),) if place < len(spend) and spend[place] else ()
        levels.append(
            Level(
                place + 1, code, {}, 0, (("nights", nights),), asked, (("nights", keep[place]),), asked,
                place in permanent,
            )
        )  # fmt: skip
    lifetime = tuple((one, (("nights", nights),)) for one, nights in more.get("lifetime", ()))
    return Ladder(tuple(levels), rules, lifetime)


BARS = ((Bar("no_shows", 1),), (Bar("no_shows", 0, tiers=("silver", "platinum")),))
KEEP_BARS = ((Bar("no_shows", 1, "keep"),), (Bar("no_shows", 0, "keep", ("gold",)), Bar("no_shows", 1)))
thresholds = st.lists(st.integers(1, 24), min_size=1, max_size=3, unique=True).map(sorted)


@st.composite
def ladders(
    draw: st.DrawFn, kinds: str = "calendar_year membership_year rolling cycle", **fixed: Any
) -> Ladder:
    reach = draw(thresholds)
    kind = draw(st.sampled_from(kinds.split()))
    by_year = kind.endswith("year")
    chosen: dict[str, Any] = {
        "period": kind,
        "months": 12 if by_year else draw(st.sampled_from([1, 3, 6, 12])),
        "effective": draw(st.sampled_from(["same_day", "next_day"])),
        "downgrade": "counters" if kind == "rolling" else draw(st.sampled_from(["counters", "one_level"])),
        "grace_months": draw(st.sampled_from([0, 0, 1, 3])),
        "rollover": ("nights",) if by_year and draw(st.booleans()) else (),
        "rollover_from": draw(st.sampled_from([None, "gold"])),
        "bar": draw(st.sampled_from([(), (), *BARS] if kind == "rolling" else [(), (), *BARS, *KEEP_BARS])),
    }
    more: dict[str, Any] = {
        "keep": [draw(st.integers(max(1, nights // 2), nights)) for nights in reach],
        "permanent": draw(st.sampled_from([(), (), (0,), (1,)])),
        "spend": draw(st.sampled_from([(), (), (0, 5), (3, 5, 5)])),
    }
    if draw(st.integers(0, 3)) == 0:
        years, nights = draw(st.integers(0, 3)), draw(st.integers(0, 30))
        more["lifetime"] = ((Lifetime(draw(st.sampled_from(CODES[1 : len(reach) + 1])), {}, years), nights),)
    rules = {key: fixed.get(key, value) for key, value in chosen.items()}
    return ladder(reach, Qualification(**rules), **more | {key: fixed[key] for key in more if key in fixed})


def days(first: date = date(2023, 1, 1), last: date = TODAY) -> st.SearchStrategy[date]:
    ends = [
        day
        for day in (date(2024, 2, 29), date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31))
        if first <= day <= last
    ]
    return st.one_of(st.dates(first, last), *([st.sampled_from(ends)] if ends else []))


counts = st.fixed_dictionaries(
    {"nights": st.integers(1, 9)},
    optional={"spend": st.integers(1, 9), "no_shows": st.integers(1, 2)},
)
histories = st.dictionaries(days().map(date.isoformat), counts, max_size=14)
enrolments = st.sampled_from([date(2023, 1, 1), date(2020, 2, 29), date(2022, 6, 15), date(2021, 12, 31)])


@st.composite
def given_tiers(draw: st.DrawFn) -> Status:
    first = draw(st.dates(date(2025, 1, 1), date(2027, 12, 31)))
    last = draw(st.none() | st.integers(0, 500).map(lambda count: first + count * DAY))
    return Status(
        draw(st.sampled_from([*CODES, "unknown"])), draw(st.sampled_from(["gifted", "matched"])), first, last
    )


statuses = st.lists(given_tiers(), max_size=2).map(tuple)


@dataclass
class Guest:
    """A history to make members from, as none may be shared: a member is changed in place.

    `counters` is what was counted on days, and in years besides.
    """

    counters: Counters
    enrolled_on: date = date(2023, 1, 1)
    statuses: tuple[Status, ...] = ()

    def member(self, *more: tuple[date, dict[str, int]]) -> Member:
        someone = member(
            counters=counted(self.counters),
            enrolled_on=self.enrolled_on,
            traits=Traits(statuses=self.statuses),
        )
        stay(someone, more)
        return someone


def stay(
    someone: Member, more: tuple[tuple[date, dict[str, int]], ...] | list[tuple[date, dict[str, int]]]
) -> None:
    for day, counts in more:
        for unit, amount in counts.items():
            counting.add(someone.counters, day.isoformat(), unit, amount)


guests = st.builds(Guest, histories, enrolments, statuses)
plain_guests = st.builds(Guest, histories, enrolments)


def alone(one: Ladder) -> Tiers:
    return Tiers([(FOR_ALL, one)])


@st.composite
def programs(draw: st.DrawFn, kinds: str = "calendar_year membership_year rolling cycle") -> Tiers:
    """Return one to three versions, of any kinds."""
    begins = sorted(draw(st.lists(days(date(2024, 1, 1), date(2028, 1, 1)), max_size=2, unique=True)))
    return Tiers([(day, draw(ladders(kinds))) for day in (FOR_ALL, *begins)])


def ahead(first: date, count: int = AHEAD) -> Iterator[date]:
    return (first + place * DAY for place in range(count))


# --- calendar years, as they were before there were other rules -------------------------------------------------------


def reached(levels: tuple[Level, ...], counted: dict[str, int]) -> int:
    return max(
        (one.rank for one in levels if any(counted.get(unit, 0) >= least for unit, least in one.reach)),
        default=0,
    )


def on_by_two_years(levels: tuple[Level, ...], counters: Counters, day: date) -> int:
    return max(reached(levels, counters.get(str(year), {})) for year in (day.year, day.year - 1))


years_of_counts = st.dictionaries(st.sampled_from(["2022", "2023", "2024", "2025", "2026"]), counts)
plain_ladders = thresholds.map(lambda reach: ladder(reach, Qualification()))


@st.composite
def yearly_ladders(draw: st.DrawFn) -> Ladder:
    """Return tiers that are read off whole years."""
    reach, grace = draw(thresholds), draw(st.sampled_from([0, 0, 1, 2, 12, 13, 24]))
    rules = Qualification(
        grace_months=grace, downgrade=draw(st.sampled_from(["counters", "counters", "one_level"]))
    )
    life = Lifetime(draw(st.sampled_from(CODES[1 : len(reach) + 1])), {}, draw(st.integers(0, 2)))
    return ladder(
        reach, rules,
        keep=[draw(st.integers(max(1, nights // 2), nights)) for nights in reach] if draw(st.booleans()) else reach,
        permanent=draw(st.sampled_from([(), (), (0,), (1,)])),
        lifetime=draw(st.sampled_from([(), ((life, draw(st.integers(3, 30))),)])),
    )  # fmt: skip


@given(plain_ladders, years_of_counts, st.dates(date(2021, 1, 1), date(2029, 12, 31)))
def test_a_plain_calendar_year_is_judged_by_two_years(one: Ladder, counters: Counters, day: date) -> None:
    tiers, expected = alone(one), on_by_two_years(one.levels, counters, day)
    someone = member(counters=counters)
    standing = tiers.standing(someone, day)

    assert expected == tiers.on(someone, day).rank == standing.level.rank
    if day.year >= 2026:  # Then nothing is counted for later years.
        this = reached(one.levels, counters.get(str(day.year), {}))
        valid_to = date(day.year + (this >= expected), 12, 31) if expected else None
        assert valid_to == standing.valid_to


@given(
    yearly_ladders(), st.one_of(years_of_counts, histories), st.dates(date(2022, 1, 1), date(2028, 12, 31))
)
def test_the_short_way_by_years_comes_to_what_the_long_way_does(
    one: Ladder, counters: Counters, day: date
) -> None:
    short, long = alone(one), alone(one)
    long._by_years = False
    someone = member(counters=counters)

    assert short.on(someone, day) == long.on(someone, day)
    assert short.standing(someone, day) == long.standing(someone, day)
    assert short.review_on(someone, day) == long.review_on(someone, day)


@given(
    yearly_ladders(),
    yearly_ladders(),
    days(date(2024, 1, 1), date(2028, 1, 1)),
    years_of_counts,
    days(last=date(2029, 1, 1)),
)
def test_the_short_way_is_not_taken_where_a_version_matters(
    one: Ladder, other: Ladder, begins: date, counters: Counters, day: date
) -> None:
    short, long = (Tiers([(FOR_ALL, one), (begins, other)]) for _ in range(2))
    long._by_years = False
    someone = member(counters=counters)

    assert short.on(someone, day) == long.on(someone, day)
    assert short.standing(someone, day) == long.standing(someone, day)
    assert short.review_on(someone, day) == long.review_on(someone, day)


# --- all rules --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(programs(), guests, days(date(2025, 1, 1), date(2026, 12, 31)))
def test_a_review_is_due_exactly_when_the_tier_changes_by_itself(
    tiers: Tiers, guest: Guest, day: date
) -> None:
    someone = guest.member()
    someone.counters = counting.up_to(someone.counters, day)
    code = tiers.on(someone, day).code
    changes = (later for later in ahead(day + DAY) if tiers.on(someone, later).code != code)
    first, review_on = next(changes, None), tiers.review_on(someone, day)

    assert first == (review_on if review_on is None or review_on <= day + AHEAD * DAY else None)


@settings(max_examples=40, deadline=None)
@given(ladders(), guests, days(date(2025, 1, 1), date(2026, 12, 31)))
def test_a_tier_is_valid_to_the_day_before_it_falls(one: Ladder, guest: Guest, day: date) -> None:
    tiers, someone = alone(one), guest.member()
    someone.counters = counting.up_to(someone.counters, day)
    standing = tiers.standing(someone, day)
    falls = (later for later in ahead(day + DAY) if tiers.on(someone, later).rank < standing.level.rank)
    first, valid_to = next(falls, None), standing.valid_to

    assert tiers.on(someone, day) == standing.level
    assert first == (valid_to + DAY if valid_to is not None and valid_to < day + AHEAD * DAY else None)


@settings(max_examples=60, deadline=None)
@given(
    ladders("calendar_year membership_year rolling", bar=(), rollover=()), guests,
    st.lists(st.tuples(days(), counts), min_size=1, max_size=3),
)  # fmt: skip
def test_more_counted_never_lowers_a_tier(
    one: Ladder, guest: Guest, more: list[tuple[date, dict[str, int]]]
) -> None:
    tiers, less = alone(one), guest.member()
    rich = guest.member(*more)

    for day in (date(2023, 1, 1) + place * 11 * DAY for place in range(200)):
        assert tiers.on(less, day).rank <= tiers.on(rich, day).rank


@settings(deadline=None)
@given(programs(), guests, st.lists(st.tuples(days(), counts), max_size=3), days(last=date(2028, 1, 1)))
def test_what_is_counted_and_counted_back_changes_no_tier(
    tiers: Tiers, guest: Guest, more: list[tuple[date, dict[str, int]]], day: date
) -> None:
    someone = guest.member(*more)
    stay(someone, [(at, {unit: -amount for unit, amount in counted.items()}) for at, counted in more])

    assert tiers.standing(guest.member(), day) == tiers.standing(someone, day)


@settings(deadline=None)
@given(programs(), guests, given_tiers(), days(date(2025, 1, 1), date(2029, 1, 1)))
def test_a_given_tier_never_lowers(tiers: Tiers, guest: Guest, status: Status, day: date) -> None:
    before = tiers.on(guest.member(), day)
    guest.statuses += (status,)

    assert before.rank <= tiers.on(guest.member(), day).rank


@settings(max_examples=30, deadline=None)
@given(
    ladders("calendar_year membership_year cycle", downgrade="one_level", grace_months=0, months=12, lifetime=()),
    plain_guests,
)  # fmt: skip
def test_a_soft_landing_falls_by_one_level_at_a_review(one: Ladder, guest: Guest) -> None:
    tiers, someone = alone(one), guest.member()
    ranks = [tiers.on(someone, day).rank for day in ahead(date(2024, 6, 1), 4 * 366)]

    assert all(after >= before - 1 for before, after in pairwise(ranks))


@settings(max_examples=60, deadline=None)
@given(ladders("rolling", effective="same_day", grace_months=0, permanent=(), lifetime=()), plain_guests)
def test_a_rolling_tier_is_what_the_window_reaches_or_has_kept_since(one: Ladder, guest: Guest) -> None:
    tiers, someone, rank = alone(one), guest.member(), 0
    stays = [(date.fromisoformat(key), counts) for key, counts in guest.counters.items()]
    moves = {day for first, _ in stays for day in (first, add_months(first, one.rules.months))}
    for day in sorted(moves):
        window: dict[str, int] = {}
        for first, counts in stays:
            if first <= day < add_months(first, one.rules.months):
                for unit, amount in counts.items():
                    window[unit] = window.get(unit, 0) + amount
        bars = [bar for bar in one.rules.bar if window.get(bar.unit, 0) > bar.at_most]
        open_ranks = [
            level.rank
            for level in one.levels[1:]
            if level.reached_by(window) and not any(not bar.tiers or level.code in bar.tiers for bar in bars)
        ]
        while rank and not (one.levels[rank].kept_by(window) or one.levels[rank].reached_by(window)):
            rank -= 1
        rank = max([rank, *open_ranks])

        assert rank == tiers.on(someone, day).rank


@given(ladders("calendar_year"), histories, statuses, days(last=date(2029, 1, 1)))
def test_a_membership_that_began_on_1_january_has_calendar_years(
    one: Ladder, counters: Counters, given: tuple[Status, ...], day: date
) -> None:
    guest = Guest(counters, date(2019, 1, 1), given)
    same = Ladder(
        one.levels, Qualification(**{**_fields(one.rules), "period": "membership_year"}), one.lifetime
    )

    assert alone(one).standing(guest.member(), day) == alone(same).standing(guest.member(), day)
    periods = [alone(rules).period(guest.member(), day) for rules in (one, same)]
    assert 1 == len({(found.first, found.last, str(sorted(found.counted.items()))) for found in periods})


def _fields(rules: Qualification) -> dict[str, Any]:
    return {name: getattr(rules, name) for name in rules.__struct_fields__}


@settings(deadline=None)
@given(
    ladders("calendar_year membership_year cycle", permanent=(), lifetime=(), rollover=(), bar=()),
    ladders(permanent=(), lifetime=(), grace_months=3), plain_guests, days(date(2025, 1, 1), date(2026, 6, 1)),
)  # fmt: skip
def test_what_a_version_promised_holds_under_the_next_one(
    one: Ladder, other: Ladder, guest: Guest, begins: date
) -> None:
    size = min(len(one.levels), len(other.levels))
    asked = [replace(level, keep=level.reach) for level in one.levels[:size]]
    one, other = Ladder(tuple(asked), one.rules), Ladder(other.levels[:size], other.rules)
    known = guest.member()
    known.counters = counting.up_to(known.counters, begins - DAY)
    promised = alone(one).standing(known, begins - DAY)
    last = promised.valid_to or begins
    if (
        one.rules.period == "cycle"
    ):  # What counts in a cycle keeps a tier only if the version at its end says so.
        last = min(last, alone(one).period(known, begins - DAY).last)
    both = Tiers([(FOR_ALL, one), (begins, other)])

    for day in ahead(begins, (last - begins).days + 1):
        assert promised.level.rank <= both.on(guest.member(), day).rank


@settings(max_examples=200, deadline=None)
@given(
    programs("calendar_year"), guests, st.tuples(days(), counts), st.tuples(days(), counts), days(last=TODAY)
)
def test_what_passes_no_threshold_moves_no_tier_and_what_is_near_is_what_it_is(
    tiers: Tiers, guest: Guest, gone: tuple[date, dict[str, int]], new: tuple[date, dict[str, int]], day: date
) -> None:
    someone = guest.member(gone)
    someone.tier, someone.review_on = tiers.on(someone, TODAY).code, tiers.review_on(someone, TODAY)
    assert tiers.on(someone, day) == tiers.near(someone, day, TODAY)

    (left, before), (came, after) = gone, new
    stay(someone, [(left, {unit: -amount for unit, amount in before.items()}), new])
    if tiers.certain(someone, TODAY) and tiers.unmoved(
        changes(before, left.year, after, came.year), someone.counters
    ):
        assert (someone.tier, someone.review_on) == (
            tiers.on(someone, TODAY).code, tiers.review_on(someone, TODAY),
        )  # fmt: skip


told = st.lists(
    st.tuples(
        days(date(2022, 6, 1), TODAY + 500 * DAY),
        counts,
        st.booleans(),
        st.lists(days(date(2022, 1, 1)), max_size=3),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(programs() | ladders().map(alone), guests | plain_guests, told)
def test_following_a_member_tells_what_asking_anew_does_in_any_order(
    tiers: Tiers, guest: Guest, history: list[tuple[date, dict[str, int], bool, list[date]]]
) -> None:
    someone = guest.member()
    following = Following(tiers, someone)
    for day, new, taken_back, asked in history:
        for sign in (1, -1) if taken_back else (1,):
            counted_now = {unit: sign * amount for unit, amount in new.items()}
            stay(someone, [(day, counted_now)])
            following.counted(changes({}, day.year, counted_now, day.year), day)
            for one in asked:
                assert following.on(one) == tiers.on(someone, one)


def test_cycles_are_followed_day_by_day() -> None:
    """Silver for 3 nights, gold for 5 in twelve months from 1 January 2023; each change begins them anew."""
    tiers = alone(ladder([3, 5], Qualification(period="cycle", months=12, effective="next_day")))
    someone = Guest({}).member()
    following = Following(tiers, someone)
    found: list[str] = []
    with mock.patch.object(Tiers, "on", side_effect=AssertionError("asked anew")):
        for day, nights in ((date(2023, 3, 1), 2), (date(2023, 5, 1), 1), (date(2023, 9, 1), 5)):
            stay(someone, [(day, {"nights": nights})])
            following.counted(changes({}, 2023, {"nights": nights}, 2023), day)
            found += [following.on(day).code, following.on(day + DAY).code]
        found.append(following.on(date(2024, 9, 1)).code)
        found.append(following.on(date(2024, 9, 2)).code)

    assert found == ["basic", "basic", "basic", "silver", "silver", "gold", "gold", "basic"]


# --- folding days -----------------------------------------------------------------------------------------------------

busy = st.builds(
    Guest, st.dictionaries(days(date(2019, 6, 1)).map(date.isoformat), counts, max_size=25), enrolments, statuses
)  # fmt: skip
later_stays = st.lists(st.tuples(days(TODAY - 90 * DAY, TODAY + 400 * DAY), counts), max_size=6)


def months_kept(tiers: Tiers) -> int:
    era, months = tiers._era, [0]
    while era is not None:
        months += [one.days_needed for one in era.ladders.all]
        era = era.before
    return max(months)


def folded(tiers: Tiers, someone: Member, today: date = TODAY) -> Member:
    with mock.patch.object(standing_file, "_MANY_DAYS", 0):
        return tiers.compact(someone, today, months_kept(tiers))


@settings(max_examples=120, deadline=None)
@given(programs(), busy, later_stays)
def test_folding_days_changes_no_tier_from_that_day_on_whatever_is_counted_later(
    tiers: Tiers, guest: Guest, later: list[tuple[date, dict[str, int]]]
) -> None:
    whole, compact = guest.member(), folded(tiers, guest.member())
    for more in ([], later):
        stay(whole, more)
        stay(compact, more)
        for day in (TODAY + place * 29 * DAY for place in range(38)):
            assert tiers.on(whole, day) == tiers.on(compact, day)
        assert tiers.standing(whole, TODAY) == tiers.standing(compact, TODAY)
        assert tiers.review_on(whole, TODAY) == tiers.review_on(compact, TODAY)
        assert tiers.period(whole, TODAY) == tiers.period(compact, TODAY)


@settings(max_examples=150, deadline=None)
@given(programs(), busy, later_stays)
def test_folding_again_and_again_changes_no_tier_either(
    tiers: Tiers, guest: Guest, later: list[tuple[date, dict[str, int]]]
) -> None:
    whole, compact = guest.member(), guest.member()
    for months in range(0, 40, 5):
        today = add_months(TODAY, months)
        folded(tiers, compact, today)
        for day in (today, add_months(today, 4), add_months(today, 25)):
            assert tiers.on(whole, day) == tiers.on(compact, day)
        more = [one for one in later if today - 60 * DAY < one[0] <= today]
        stay(whole, more)
        stay(compact, more)


@settings(max_examples=100, deadline=None)
@given(programs(), busy)
def test_folding_twice_is_folding_once_and_keeps_the_totals_of_years(tiers: Tiers, guest: Guest) -> None:
    once = folded(tiers, guest.member())
    counters, traits = {key: dict(counts) for key, counts in once.counters.items()}, once.traits
    twice = folded(tiers, once)

    assert counting.by_year(counted(guest.counters)) == counting.by_year(counters)
    assert (counters, traits) == (twice.counters, twice.traits)
    assert [one for one in traits.statuses if one.kind != "earned"] == list(guest.statuses)


@settings(deadline=None)
@given(programs("calendar_year"), busy)
def test_folding_calendar_years_leaves_no_day_that_is_too_old(tiers: Tiers, guest: Guest) -> None:
    oldest = add_months(TODAY, -months_kept(tiers)).replace(day=1).isoformat()

    assert all(len(key) == 4 or key >= oldest for key in folded(tiers, guest.member()).counters)
