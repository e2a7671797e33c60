"""What offers cost and who may have them: worked examples, and what must hold of any offer."""

from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.partners.details import Merchandise, MilesConversion, Night, Use
from loyalty.partners.model import Contract, Limit, Miles, Offer, Partner, Price, SlotStock, Stock, Title
from loyalty.partners.offers import (
    Cost,
    Guest,
    Listing,
    Season,
    Taken,
    budgets,
    cost,
    decide,
    draws,
    openings,
    price_on,
    seasons,
    unaffordable,
    value,
    why_not,
)
from loyalty.partners.reasons import Expiring, Reason, problem, sentence

TODAY = date(2026, 5, 10)
TIERS = ("silver", "gold", "platinum")
GUEST = Guest("gold", 10_000)
PRICES = (
    Price(points=900, first=date(2026, 10, 1), last=date(2026, 10, 7)),
    Price(points=500, cash="20.00", tiers=("platinum",)),
    Price(points=600),
)


def offer(**changes: Any) -> Offer:
    return structs.replace(
        Offer(code="umbrella", kind="merchandise", name=Title("Umbrella", "雨伞"), prices=PRICES), **changes
    )


def listing(one: Offer | None = None, **partner: Any) -> Listing:
    whose = Partner(
        code="thai_air", name=Title("Thai Air", "泰航"), contract=Contract("CNY", "0.0125"), **partner
    )
    return Listing(one or offer(), 1, whose, ZoneInfo("Asia/Shanghai"), "CNY", 2, Fraction("0.0125"))


def use(*days: date, quantity: int = 1, slot: str = "") -> Use:
    return Use(quantity, days or (TODAY,), Merchandise(), slot)


def test_the_first_price_that_fits_the_day_and_the_tier_counts() -> None:
    found = {
        (tier, day): price_on(offer(), tier, day)
        for tier in ("gold", "platinum")
        for day in (TODAY, date(2026, 10, 7))
    }

    assert {
        ("gold", TODAY): PRICES[2],
        ("platinum", TODAY): PRICES[1],
        ("gold", date(2026, 10, 7)): PRICES[0],
        ("platinum", date(2026, 10, 7)): PRICES[0],
    } == found


def test_each_night_costs_what_its_own_day_says() -> None:
    nights = use(date(2026, 9, 29), date(2026, 9, 30), date(2026, 10, 1), quantity=6)

    # Two rooms: 2 x (600 + 600 + 900) points, at 0.0125 a point 52.50; for platinum 2 x (500 + 500 + 900), cash 4 x 20.
    assert Cost(4_200, 0, 5_250) == cost(listing(), "gold", nights)
    assert Cost(3_800, 8_000, 4_750) == cost(listing(), "platinum", nights)


def test_a_day_without_a_price_is_named() -> None:
    seasonal = listing(offer(prices=PRICES[:1]))
    nights = use(date(2026, 10, 7), date(2026, 10, 8), quantity=2)

    assert date(2026, 10, 8) == cost(seasonal, "gold", nights)
    assert [Reason("no_price", on=date(2026, 10, 8))] == decide(seasonal, GUEST, nights, TODAY)


def test_money_owed_is_the_offers_value_or_that_of_its_points_rounded_down() -> None:
    # 601 x 0.0125 = 7.5125
    assert [751, 3_600] == [
        value(listing(), 601, 2),
        value(listing(offer(value="18.00")), 601, 2),
    ]


def test_miles_cost_the_points_converted() -> None:
    miles = listing(offer(kind="miles", prices=(), miles=Miles(points=3, miles=1, least=3_000, step=3_000)))
    conversion = Use(1, (TODAY,), MilesConversion("TG-12345", 63_000), points=63_000, miles=21_000)

    assert Cost(63_000, 0, 78_750) == cost(miles, "gold", conversion)


def test_all_reasons_are_told_in_order() -> None:
    over = offer(
        status="suspended", last=TODAY - timedelta(1), tiers=("platinum",), segments=("golfers",),
        limits=(Limit(2, "year"), Limit(5)), prices=(Price(points=20_000),),
    )  # fmt: skip
    taken = [Taken(2, date(2026, 1, 1)), Taken(2, date(2025, 12, 31))]
    found = decide(
        listing(over, status="suspended"), structs.replace(GUEST, closed=True), use(quantity=2), TODAY, taken
    )

    assert [
        Reason("member_closed"),
        Reason("partner_suspended"),
        Reason("offer_suspended"),
        Reason("offer_expired", until=TODAY - timedelta(1)),
        Reason("wrong_tier", among=("platinum",)),
        Reason("wrong_segment", among=("golfers",)),
        Reason("limit_reached", most=2, per="year", left=0),
        Reason("limit_reached", most=5, per="ever", left=1),
        Reason("insufficient_points", missing=30_000, available=10_000),
    ] == found


def test_an_offer_is_open_from_its_first_day_to_its_last() -> None:
    one = listing(offer(first=TODAY, last=TODAY + timedelta(2)))
    told = [
        [reason.code for reason in why_not(one, GUEST, TODAY + timedelta(days), 1, ())]
        for days in (-1, 0, 2, 3)
    ]

    assert [["offer_not_open"], [], [], ["offer_expired"]] == told


@pytest.mark.parametrize(
    ("per", "on", "left"),
    [
        ("day", TODAY, 1),
        ("day", TODAY - timedelta(1), None),
        ("month", date(2026, 5, 1), 1),
        ("month", date(2026, 4, 30), None),
        ("month", date(2025, 5, 10), None),
        ("year", date(2026, 1, 1), 1),
        ("year", date(2025, 12, 31), None),
        ("ever", date(2020, 1, 1), 1),
    ],
)
def test_a_limit_counts_what_was_booked_in_its_period(per: Any, on: date, left: int | None) -> None:
    limited = listing(offer(limits=(Limit(3, per),)))
    found = why_not(limited, GUEST, TODAY, 2, [Taken(2, on)])

    assert ([] if left is None else [Reason("limit_reached", most=3, per=per, left=left)]) == found


def test_points_that_are_missing_are_told_with_what_expires_soon() -> None:
    later = TODAY + timedelta(91)
    guest = Guest(
        "gold", 1_000, expiring=((date(2026, 5, 31), 300), (TODAY + timedelta(90), 200), (later, 500))
    )
    short = unaffordable(guest, 1_400, TODAY)
    assert short
    refusal = problem([short])

    assert short == Reason(
        "insufficient_points", missing=400, available=1_000,
        expiring=(Expiring(date(2026, 5, 31), 300), Expiring(date(2026, 8, 8), 200)),
    )  # fmt: skip
    assert refusal.numbers == {"missing": 400, "available": 1_000, "expiring": 500}
    assert refusal.document().numbers == refusal.numbers
    assert refusal.detail == (
        "400 points are missing: there are 1000. 300 of those expire on 2026-05-31."
        " 200 of those expire on 2026-08-08."
    )
    assert "还差400分：现有1000分。其中300分将于2026-05-31到期。" == sentence(
        structs.replace(short, expiring=short.expiring[:1]), "zh"
    )
    assert unaffordable(guest, 1_000, TODAY) is None


def test_who_is_in_debt_misses_all_of_the_points() -> None:
    assert Reason("insufficient_points", missing=600, available=0) == unaffordable(
        Guest("gold", -50), 600, TODAY
    )


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_reason_has_its_sentence(language: Any) -> None:
    full = {
        "opens": TODAY, "until": TODAY, "on": TODAY, "among": ("gold",), "most": 2, "per": "year", "left": 1,
        "missing": 4, "available": 5,
    }  # fmt: skip
    codes = Reason.__annotations__["code"].__args__
    told = [sentence(Reason(code, **full), language) for code in codes]

    assert len(codes) == len(set(told))
    assert not [text for text in told if "None" in text or "{" in text]


# --- Stock ------------------------------------------------------------------------------------------------------------


def test_a_redemption_draws_on_the_budget_of_all_of_a_date_or_of_a_slot() -> None:
    nights = Use(
        4, (date(2026, 9, 29), date(2026, 9, 30)), Night("SHA01", date(2026, 9, 29), 2, 2), "2026-09-29"
    )
    treatment = use(quantity=2, slot="2026-09-29T10:00")

    assert {} == draws(offer(), nights)
    assert {"stock:umbrella": 4} == draws(offer(stock=Stock(amount=9)), nights)
    assert {"stock:umbrella/2026-09-29": 2, "stock:umbrella/2026-09-30": 2} == draws(
        offer(stock=Stock(per="date", amount=9)), nights
    )
    assert {"stock:umbrella/2026-09-29T10:00": 2} == draws(
        offer(stock=Stock(per="slot", amount=9)), treatment
    )


def test_a_redemption_opens_the_days_that_it_draws_on() -> None:
    slots = (SlotStock("2026-09-30", 4),)
    nights = Use(
        2, (date(2026, 9, 29), date(2026, 9, 30)), Night("SHA01", date(2026, 9, 29), 2), "2026-09-29"
    )
    by_date = offer(stock=Stock(per="date", amount=9, slots=slots))
    by_slot = offer(stock=Stock(per="slot", amount=3))

    assert {"stock:umbrella/2026-09-29": 9, "stock:umbrella/2026-09-30": 4} == openings(by_date, nights)
    assert {"stock:umbrella/2026-09-29T10:00": 3} == openings(by_slot, use(slot="2026-09-29T10:00"))
    assert {"stock:umbrella/2026-09-30": 4} == openings(offer(stock=Stock(per="date", slots=slots)), nights)
    assert {} == openings(offer(stock=Stock(amount=9)), nights) == openings(offer(), nights)


def test_an_offer_names_the_budgets_of_all_or_of_its_slots() -> None:
    slots = (SlotStock("2026-09-29", 4), SlotStock("2026-09-30", 0))

    assert {} == budgets(offer())
    assert {"stock:umbrella": 9} == budgets(offer(stock=Stock(amount=9)))
    assert {"stock:umbrella/2026-09-29": 4, "stock:umbrella/2026-09-30": 0} == budgets(
        offer(stock=Stock(per="date", slots=slots))
    )


# --- Whatever the offer -----------------------------------------------------------------------------------------------

days = st.dates(date(2026, 1, 1), date(2027, 12, 31))
maybe_days = st.none() | days
prices = st.builds(
    Price,
    points=st.integers(0, 5_000),
    first=maybe_days,
    last=maybe_days,
    tiers=st.lists(st.sampled_from(TIERS), unique=True, max_size=2).map(tuple),
    cash=st.none() | st.integers(0, 99_999).map(lambda cents: f"{cents // 100}.{cents % 100:02}"),
)
price_lists = st.lists(prices, max_size=6).map(tuple)


@given(price_lists, st.sampled_from(TIERS), days, days)
def test_the_seasons_say_of_each_day_what_it_costs(
    several: tuple[Price, ...], tier: str, today: date, day: date
) -> None:
    one = offer(prices=several)
    told = seasons(one, tier, today)
    covering = [season.price for season in told if season.first <= day and (season.last or day) >= day]

    if day < today:
        assert [] == covering
    else:
        price = price_on(one, tier, day)
        assert ([] if price is None else [price]) == covering


@given(price_lists, st.sampled_from(TIERS), days)
def test_seasons_follow_each_other_and_neighbours_differ(
    several: tuple[Price, ...], tier: str, today: date
) -> None:
    told = seasons(offer(prices=several), tier, today)

    for before, after in pairwise(told):
        assert before.last is not None
        assert before.first <= before.last < after.first
        assert before.last + timedelta(1) < after.first or before.price is not after.price


def test_a_price_for_all_days_is_one_season() -> None:
    assert [Season(TODAY, None, PRICES[2])] == seasons(offer(prices=PRICES[2:]), "gold", TODAY)


@given(
    price_lists,
    st.sampled_from(TIERS),
    st.lists(days, min_size=1, max_size=4, unique=True),
    st.integers(1, 5),
)
def test_twice_as_many_cost_twice_as_much(
    several: tuple[Price, ...], tier: str, used: list[date], each: int
) -> None:
    one = listing(offer(prices=several))
    few = cost(one, tier, use(*used, quantity=each * len(used)))
    many = cost(one, tier, use(*used, quantity=2 * each * len(used)))

    if isinstance(few, date):
        assert few == many
        assert any(price_on(one.offer, tier, day) is None for day in used)
    else:
        assert isinstance(many, Cost)
        assert (2 * few.points, 2 * few.cash) == (many.points, many.cash)
        assert 2 * few.value <= many.value <= 2 * few.value + 1


@given(
    st.lists(prices.map(lambda one: structs.replace(one, tiers=())), min_size=1, max_size=5).map(tuple),
    st.integers(0, 5_000),
    days,
)
def test_a_better_tier_never_pays_more_unless_the_offer_says_so(
    several: tuple[Price, ...], off: int, day: date
) -> None:
    """A price of its own for a tier comes first; where it is no higher, that tier pays no more than the others."""
    base = price_on(offer(prices=several), "gold", day)
    if base is None:
        return
    better = Price(points=max(0, base.points - off), tiers=("platinum",))
    one = listing(offer(prices=(better, *several)))
    plain, special = cost(one, "gold", use(day)), cost(one, "platinum", use(day))

    assert isinstance(plain, Cost)
    assert isinstance(special, Cost)
    assert plain == cost(listing(offer(prices=several)), "gold", use(day))
    assert special.points <= plain.points


@given(
    st.integers(-500, 20_000),
    st.integers(1, 20),
    st.lists(st.builds(Taken, st.integers(1, 5), days), max_size=6),
    st.lists(
        st.builds(Limit, st.integers(1, 10), st.sampled_from(["ever", "year", "month", "day"])), max_size=3
    ),
)
def test_who_may_have_so_many_may_have_fewer(
    available: int, quantity: int, taken: list[Taken], limits: list[Limit]
) -> None:
    one = listing(offer(limits=tuple(limits)))
    guest = Guest("gold", available)
    many, fewer = (
        decide(one, guest, use(quantity=some), TODAY, taken) for some in (quantity, max(1, quantity - 1))
    )

    if isinstance(many, Cost):
        assert isinstance(fewer, Cost)
        assert many.points <= max(0, available)
        for limit in limits:
            if limit.per == "ever":
                assert sum(item.quantity for item in taken) + quantity <= limit.most
    else:
        assert many == sorted(many, key=lambda reason: reason.code == "insufficient_points")


@given(st.integers(0, 50_000), st.integers(0, 50_000))
def test_what_is_missing_and_what_is_there_are_what_it_costs(available: int, points: int) -> None:
    short = unaffordable(Guest("gold", available), points, TODAY)

    assert (short is None) == (available >= points)
    if short is not None:
        assert short.missing is not None
        assert points == short.missing + (short.available or 0)
