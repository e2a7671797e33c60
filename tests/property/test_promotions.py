"""What must hold of promotions whatever they are: never too much, never by chance, and as their definition says."""

from collections.abc import Mapping
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from loyalty.clock import add_months
from loyalty.program.festivals import Festivals
from loyalty.program.match import matcher
from loyalty.program.model import Definition, Festival, Match, Promotion
from loyalty.program.promotions import Given, Promotions
from loyalty.program.visit import Guest, Visit
from tests.builders import Had

NAME = {"en": "A name", "zh": "名"}
START = date(2026, 1, 20)
CODES = ("p0", "p1", "p2", "p3", "p4", "p5")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FESTIVALS = msgspec.convert(
    [
        {"code": "spring", "name": NAME, "lunar": "01-01", "days_before": 1, "days": 7},
        {"code": "lovers", "name": NAME, "day": "02-14"},
    ],
    tuple[Festival, ...],
)
HELD = Festivals(FESTIVALS)


def some(values: st.SearchStrategy[Any], most: int = 2) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=1, max_size=most, unique=True)


days = st.integers(0, 60).map(lambda ahead: START + timedelta(days=ahead))
brands, channels = st.sampled_from(["grand", "lodge"]), st.sampled_from(["web", "app", "ota"])
rate_codes = st.sampled_from([None, "BAR", "BAR20", "CORP"])
tiers = st.sampled_from(["silver", "gold"])
segments = st.sampled_from(["family", "golf"])
caps = st.integers(0, 2000)

CONDITIONS = {
    "brands": some(brands), "except_brands": some(brands, 1), "channels": some(channels), "tiers": some(tiers),
    "rate_codes": some(st.sampled_from(["BAR", "BAR*", "CORP", "*"])), "first": days, "last": days,
    "by": st.sampled_from(["check_out", "arrival", "booking", "posting", "nights", "nights"]),
    "weekdays": some(st.sampled_from(WEEKDAYS), 5), "festivals": some(st.sampled_from(["spring", "lovers"])),
    "member_days": some(st.sampled_from([8, 14, 18, 31])), "least_nights": st.integers(1, 4),
    "least_spend": st.sampled_from(["0", "500", "999.99"]),
}  # fmt: skip
OF_THE_GUEST = {
    "segments": some(segments), "nth_stay": some(st.integers(1, 4)), "from_stay": st.integers(1, 4),
    "nth_over": st.sampled_from(["lifetime", "year"]), "birthday_month": st.booleans(),
    "dormant_months": st.integers(1, 8), "referred": st.booleans(), "registration": st.booleans(),
}  # fmt: skip
LIMITS = {"per_stay": caps, "per_member": caps, "times": st.integers(1, 3), "budget": st.integers(1, 2000)}
RANKS = {"priority": st.integers(-2, 2), "group": st.sampled_from(["season", "welcome"])}

proportional = st.one_of(
    st.sampled_from(["1.5", "2", "3.25"]).map(lambda text: {"multiplier": text}),
    st.sampled_from(["10", "12.5", "0.3"]).map(lambda text: {"percent": text}),
)
gifts = st.one_of(
    proportional,
    st.integers(0, 1500).map(lambda points: {"points": points}),
    st.integers(0, 500).map(lambda points: {"points_per_night": points}),
    st.sampled_from(["0.5", "2"]).map(lambda nights: {"nights": nights}),
)
roundings = st.sampled_from(["down", "half_up", "up"])


@st.composite
def items(
    draw: st.DrawFn,
    *optional: dict[str, st.SearchStrategy[Any]],
    gift: st.SearchStrategy[dict[str, Any]] = gifts,
) -> dict[str, Any]:
    """Return a promotion without its code that says some of what it could."""
    keys = {key: value for group in optional for key, value in group.items()}
    chosen = draw(st.lists(st.sampled_from(sorted(keys)), unique=True, max_size=4)) if keys else []
    return draw(gift) | {"rounding": draw(roundings)} | {key: draw(keys[key]) for key in chosen}


def several(item: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[tuple[Promotion, ...]]:
    """Return up to six promotions with codes of their own."""
    return st.lists(item, min_size=1, max_size=len(CODES)).map(named)


def named(told: list[dict[str, Any]]) -> tuple[Promotion, ...]:
    coded = [{"code": code, "name": NAME, **one} for code, one in zip(CODES, told, strict=False)]
    return msgspec.convert(coded, tuple[Promotion, ...], str_keys=True)


ALL = several(items(CONDITIONS, OF_THE_GUEST, LIMITS, RANKS))


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    arrival, nights = draw(days), draw(st.integers(0, 6))
    departure = arrival + timedelta(days=nights)
    return Visit(
        ("SHA01", draw(brands), draw(channels), draw(rate_codes), None), arrival, departure,
        draw(st.one_of(st.none(), days)), departure + timedelta(days=draw(st.integers(0, 3))), nights * 10,
        draw(st.sampled_from([0, 500_00, 999_98, 999_99, 5000_00])),
    )  # fmt: skip


guests = st.builds(
    Guest,
    tiers,
    stays=st.integers(0, 4),
    stays_year=st.integers(0, 4),
    last_stay=st.one_of(st.none(), st.integers(0, 300).map(lambda ago: START - timedelta(days=ago))),
    birth_month=st.one_of(st.none(), st.integers(1, 12)),
    segments=st.frozensets(segments),
    registered=st.dictionaries(st.sampled_from(CODES), days, max_size=3),
    referred=st.booleans(),
)
bases = st.one_of(st.integers(0, 20), st.integers(0, 5000))
pinned = st.lists(st.sampled_from(CODES), unique=True).map(tuple)
uses = st.dictionaries(st.sampled_from(CODES), st.tuples(caps, st.integers(0, 3))).map(Had)
lefts = st.dictionaries(st.sampled_from(CODES), st.integers(-10, 2000))


def compiled(definitions: tuple[Promotion, ...]) -> Promotions:
    definition = msgspec.convert(
        {
            "id": "test", "version": 1, "name": NAME, "currency": "CNY", "earning": {"points": {"room": "1"}},
            "tier": [{"code": "silver", "name": NAME}],
        },
        Definition,
    )  # fmt: skip
    return Promotions(msgspec.structs.replace(definition, promotion=definitions, festival=FESTIVALS), HELD)


def sums(found: list[Given]) -> dict[str, tuple[int, int]]:
    return {one.code: (one.points, one.nights) for one in found}


# --- never too much ---------------------------------------------------------------------------------------------------


@given(ALL, visits(), tiers, pinned, bases, uses, lefts)
def test_nothing_is_below_zero_nor_above_any_limit(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str, entitled: tuple[str, ...], base: int,
    used: Had, left: dict[str, int],
) -> None:  # fmt: skip
    of = {item.code: item for item in definitions}
    for one in compiled(definitions).give(visit, tier, entitled, base, used, left):
        item, points, times = of[one.code], *used.get(one.code, (0, 0))

        assert one.points >= 0
        assert one.nights in {0, int(Fraction(item.nights or 0) * 10)}
        assert item.per_stay is None or one.points <= item.per_stay
        assert item.per_member is None or one.points <= max(0, item.per_member - points)
        assert item.budget is None or one.points <= max(0, left.get(one.code, 0))
        assert item.times is None or times < item.times or (one.points, one.nights) == (0, 0)


@given(ALL, visits(), tiers, pinned, bases, uses, lefts)
def test_of_a_group_at_most_one_gives_and_none_before_it_could(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str, entitled: tuple[str, ...], base: int,
    used: Had, left: dict[str, int],
) -> None:  # fmt: skip
    found = sums(compiled(definitions).give(visit, tier, entitled, base, used, left))
    giving = {code for code, what in found.items() if any(what)}
    # Each promotion by itself: of a group the first that gives anything when alone is the one that gives.
    ranked = sorted(definitions, key=lambda item: -item.priority)
    expected: set[str] = set()
    groups: set[str] = set()
    for item in ranked:
        alone = sums(compiled((item,)).give(visit, tier, entitled, base, used, left))
        if item.group in groups or not any(alone.get(item.code, ())):
            continue
        assert found[item.code] == alone[item.code]
        expected.add(item.code)
        groups |= {item.group} if item.group else set()

    assert expected == giving


@given(ALL, visits(), tiers, pinned, bases, uses, lefts)
def test_what_is_left_is_the_last_thing_that_is_said(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str, entitled: tuple[str, ...], base: int,
    used: Had, left: dict[str, int],
) -> None:  # fmt: skip
    for one in compiled(definitions).give(visit, tier, entitled, base, used, left):
        told = [why.points for why in one.why if why.points is not None]

        assert {one.code} == {why.rule for why in one.why}
        assert one.points == (told[-1] if told else 0)
        assert told == sorted(told, reverse=True)


# --- more earns no less -----------------------------------------------------------------------------------------------


proportional_and_nights = st.builds(
    lambda share, nights: share | nights, proportional, st.sampled_from([{}, {"nights": "1"}])
)


@given(
    several(items(CONDITIONS, LIMITS, gift=proportional_and_nights)), visits(), tiers, st.just(0) | bases, bases, uses,
    lefts,
)  # fmt: skip
@example(
    named([{"multiplier": "1.5", "nights": "1", "per_stay": 0}]),
    Visit(("SHA01", "lodge", "web", None, None), START, START, None, START, 0, 0), "silver", 0, 2, Had(), {},
)  # fmt: skip
def test_a_higher_base_never_gives_less(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str, base: int, more: int, used: Had,
    left: dict[str, int],
) -> None:  # fmt: skip
    rules = compiled(definitions)
    low, high = (sums(rules.give(visit, tier, (), each, used, left)) for each in (base, base + more))

    for code, (points, nights) in low.items():
        assert points <= high[code][0]
        assert nights <= high[code][1]


@given(items({}, gift=proportional), visits(), bases)
def test_by_nights_every_night_together_is_the_whole(told: dict[str, Any], visit: Visit, base: int) -> None:
    # Without a condition all nights count, so the share is all of it.
    (by_day, by_night) = (
        sums(compiled(named([told | {"by": by}])).give(visit, "silver", (), base, Had(), {}))
        for by in ("check_out", "nights")
    )

    assert by_night == (by_day if visit.nights else {})


# --- never by chance --------------------------------------------------------------------------------------------------


@given(ALL, visits(), tiers, pinned, bases, uses, lefts)
def test_the_same_question_has_the_same_answer(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str, entitled: tuple[str, ...], base: int,
    used: Had, left: dict[str, int],
) -> None:  # fmt: skip
    rules = compiled(definitions)
    first = rules.give(visit, tier, entitled, base, used, left)

    assert first == rules.give(visit, tier, entitled, base, used, left)
    assert first == compiled(definitions).give(visit, tier, tuple(reversed(entitled)), base, used, left)


@given(ALL, st.randoms(use_true_random=False), visits(), guests, bases, uses, lefts)
def test_the_order_in_the_file_changes_nothing_where_priorities_differ(
    definitions: tuple[Promotion, ...], chance: Any, visit: Visit, guest: Guest, base: int,
    used: Had, left: dict[str, int],
) -> None:  # fmt: skip
    ranked = tuple(msgspec.structs.replace(item, priority=place) for place, item in enumerate(definitions))
    mixed = tuple(chance.sample(ranked, len(ranked)))
    rules, others = compiled(ranked), compiled(mixed)
    entitled = rules.entitled(visit, guest)

    assert entitled == others.entitled(visit, guest)
    assert rules.give(visit, guest.tier, entitled, base, used, left) == others.give(
        visit, guest.tier, entitled, base, used, left
    )


# --- as the definition says -------------------------------------------------------------------------------------------


@given(several(items(CONDITIONS, OF_THE_GUEST)), visits(), visits(), guests)
def test_who_is_entitled_depends_on_the_dates_and_the_guest_alone(
    definitions: tuple[Promotion, ...], visit: Visit, other: Visit, guest: Guest
) -> None:
    rules = compiled(definitions)
    moved = msgspec.structs.replace(other, arrival=visit.arrival, departure=visit.departure)

    assert rules.entitled(visit, guest) == rules.entitled(moved, guest)


@given(several(items(OF_THE_GUEST)), visits(), guests)
def test_a_guest_is_entitled_to_what_the_definitions_say(
    definitions: tuple[Promotion, ...], visit: Visit, guest: Guest
) -> None:
    assert {item.code for item in definitions if asks(item) and suits(item, visit, guest)} == set(
        compiled(definitions).entitled(visit, guest)
    )


@given(several(items(CONDITIONS)), visits(), tiers)
def test_a_stay_comes_under_what_the_definitions_say(
    definitions: tuple[Promotion, ...], visit: Visit, tier: str
) -> None:
    worth = tuple(
        msgspec.structs.replace(item, points=7, percent=None, multiplier=None, points_per_night=None)
        for item in definitions
    )

    assert {item.code for item in worth if means(item, visit, tier)} == set(
        sums(compiled(worth).give(visit, tier, (), 1000, {}, {}))
    )


def asks(item: Promotion) -> bool:
    asked = (
        item.segments,
        item.nth_stay,
        item.from_stay,
        item.birthday_month,
        item.dormant_months,
        item.referred,
        item.registration,
    )
    return any(asked)


def suits(item: Promotion, visit: Visit, guest: Guest) -> bool:
    """Tell whether a promotion's conditions of the guest hold, one by one."""
    had = guest.stays_year if item.nth_over == "year" else guest.stays
    spent = [
        visit.arrival + timedelta(days=ahead) for ahead in range((visit.departure - visit.arrival).days + 1)
    ]
    conditions = [
        not item.segments or any(one in guest.segments for one in item.segments),
        not item.nth_stay or had + 1 in item.nth_stay,
        not item.from_stay or had + 1 >= item.from_stay,
        not item.birthday_month or guest.birth_month in {day.month for day in spent},
        not item.referred or guest.referred,
        not item.registration or guest.registered.get(item.code, date.max) <= visit.arrival,
    ]
    if item.dormant_months:
        last = guest.last_stay
        conditions.append(last is not None and add_months(last, item.dormant_months) <= visit.arrival)
    return all(conditions)


def means(item: Promotion, visit: Visit, tier: str) -> bool:
    """Tell whether a promotion's conditions of the stay hold, one by one."""
    nights = [
        visit.arrival + timedelta(days=ahead) for ahead in range((visit.departure - visit.arrival).days)
    ]
    _, brand, channel, rate_code, _ = visit.kind
    by_day: Mapping[str, list[date | None]] = {
        "check_out": [visit.departure], "arrival": [visit.arrival], "booking": [visit.booked_on],
        "posting": [visit.posted_on], "nights": [*nights],
    }  # fmt: skip
    return (
        (not item.brands or brand in item.brands)
        and brand not in item.except_brands
        and (not item.channels or channel in item.channels)
        and (not item.tiers or tier in item.tiers)
        and (not item.rate_codes or any(covers(pattern, rate_code) for pattern in item.rate_codes))
        and visit.nights >= 10 * (item.least_nights or 0)
        and visit.spend >= Fraction(item.least_spend or 0) * 100
        and any(right(item, day) for day in by_day[item.by])
    )


def right(item: Promotion, day: date | None) -> bool:
    if day is None:
        return not (item.first or item.last or item.weekdays or item.festivals or item.member_days)
    ends = (day + timedelta(days=1)).month != day.month
    return (
        (item.first is None or item.first <= day)
        and (item.last is None or day <= item.last)
        and (not item.weekdays or WEEKDAYS[day.weekday()] in item.weekdays)
        and (not item.festivals or any(code in HELD.on(day) for code in item.festivals))
        and (
            not item.member_days
            or any(each == day.day or (ends and each > day.day) for each in item.member_days)
        )
    )


def covers(pattern: str, code: str | None) -> bool:
    if code is None:
        return False
    return pattern[:-1] == code[: len(pattern) - 1] if pattern[-1] == "*" else pattern == code


# --- matches and festivals --------------------------------------------------------------------------------------------

texts = st.text("AB*", max_size=3)
lists = st.lists(texts, max_size=3).map(tuple)


@given(
    st.builds(Match, properties=lists, brands=lists, rate_codes=lists, tiers=lists),
    st.tuples(texts, texts, texts, texts),
)
def test_a_match_is_what_its_lists_say(rule: Match, stay: tuple[str, str, str, str]) -> None:
    place, brand, rate_code, tier = stay
    patterns = [(rule.properties, place), (rule.brands, brand), (rule.rate_codes, rate_code)]

    assert matcher(rule)(place, brand, "web", rate_code, None, tier) is (
        all(not named or any(fits(each, value) for each in named) for named, value in patterns)
        and (not rule.tiers or tier in rule.tiers)
    )


def fits(pattern: str, value: str) -> bool:
    return value[: len(pattern) - 1] == pattern[:-1] if pattern.endswith("*") else value == pattern


@given(
    st.dates(date(1950, 1, 1), date(2099, 12, 31)), st.dates(date(1950, 1, 1), date(2099, 12, 31)),
    st.integers(0, 366), st.integers(1, 366),
)  # fmt: skip
def test_a_festival_of_a_listed_day_is_all_days_from_its_first_to_its_last(
    listed: date, asked: date, before: int, length: int
) -> None:
    feast = msgspec.structs.replace(
        FESTIVALS[0], lunar=None, listed=(listed,), days_before=before, days=length
    )
    near = [listed - timedelta(days=before + 1), listed - timedelta(days=before), listed,
            listed + timedelta(days=length - 1), listed + timedelta(days=length), asked]  # fmt: skip
    held = Festivals([feast])

    assert [False, True, True, True, False] == [held.holds("spring", day) for day in near[:5]]
    assert held.holds("spring", asked) is (near[1] <= asked <= near[3])


@given(st.integers(1900, 2099), st.integers(1, 12), st.integers(1, 30))
def test_every_lunar_year_has_each_of_its_days_once(year: int, month: int, day: int) -> None:
    moon = msgspec.structs.replace(FESTIVALS[0], lunar=f"{month:02}-{day:02}", days_before=0, days=1)
    held, springs = (
        Festivals([moon]),
        Festivals([msgspec.structs.replace(FESTIVALS[0], days_before=0, days=1)]),
    )
    # From the first new year's day of the calendar year to the day before the next one.
    first, last = (
        next(
            date(each, 1, 1) + timedelta(days=n)
            for n in range(60)
            if springs.on(date(each, 1, 1) + timedelta(days=n))
        )
        for each in (year, year + 1)
    )
    found = [ahead for ahead in range((last - first).days) if held.on(first + timedelta(days=ahead))]

    assert 1 == len(found)
    # A month has 29 or 30 days, a year 12 or 13 of them.
    assert 29 * (month - 1) + min(day, 29) - 1 <= found[0] <= 30 * month + day - 1
