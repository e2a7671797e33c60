"""What each kind of offer asks for: worked examples, each mistake with its field, and miles by property."""

import datetime as dt
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from loyalty.errors import Problem
from loyalty.partners.details import FORMS, Use, convert, hold_expires, read, refundable_until
from loyalty.partners.model import Miles, Offer, Price, SlotStock, Stock, Title

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 5, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai
TODAY = date(2026, 5, 10)
MILES = Miles(points=3, miles=1, least=3_000, step=3_000, bonus=5_000, block=60_000)
UPGRADE = {
    "flight": "TG665", "date": "2026-06-01", "booking_ref": "K7QX2M", "cabin_from": "economy", "cabin_to": "business",
}  # fmt: skip
NIGHT = {"property": "SHA01", "arrival": "2026-10-01", "nights": 2}
TICKETS = {"event": "monet", "date": "2026-06-01", "seats": 2}
TREATMENT = {"venue": "lake_spa", "slot": "2026-05-10T14:00"}
OFFERS: dict[str, dict[str, Any]] = {
    "airline_upgrade": {"cabins": ("economy", "business", "first")},
    "miles": {"prices": (), "miles": MILES},
    "spa": {"venues": ("lake_spa",)},
    "exhibition": {"events": ("monet",)},
    "health_check": {"venues": ("clinic_1", "clinic_2")},
    "free_night": {"properties": ("SHA01",)},
    "room_upgrade": {},
    "merchandise": {"properties": ("SHA01",)},
}
GOOD: dict[str, dict[str, Any]] = {
    "airline_upgrade": UPGRADE,
    "miles": {"account": "TG-123456", "points": 63_000},
    "spa": TREATMENT,
    "exhibition": TICKETS,
    "health_check": {"date": "2026-05-10", "venue": "clinic_2"},
    "free_night": NIGHT,
    "room_upgrade": NIGHT | {"booking_ref": "R-77"},
    "merchandise": {},
}


def offer(kind: Any, **changes: Any) -> Offer:
    one = Offer(code="it", kind=kind, name=Title("It", "它"), prices=(Price(points=100),))
    return structs.replace(one, **(OFFERS[kind] | changes))


def look(kind: str, details: Any, quantity: int | None = None, **changes: Any) -> Use | Problem:
    return read(offer(kind, **changes), details, quantity, TODAY, NOW, SHANGHAI)


def used(kind: str, details: Any, quantity: int | None = None, **changes: Any) -> Use:
    found = look(kind, details, quantity, **changes)
    assert isinstance(found, Use), found
    return found


def refused(kind: str, details: Any, quantity: int | None = None, **changes: Any) -> tuple[str, str]:
    found = look(kind, details, quantity, **changes)
    assert isinstance(found, Problem), found
    return found.code, found.errors[0].pointer


def test_every_kind_has_its_form_and_an_example() -> None:
    assert set(Offer.__annotations__["kind"].__args__) == FORMS.keys() == GOOD.keys()


def test_an_upgrade_is_for_a_flight_on_its_day() -> None:
    found = used("airline_upgrade", UPGRADE, 2)

    assert (2, (date(2026, 6, 1),), "2026-06-01") == (found.quantity, found.days, found.slot)
    assert datetime(2026, 5, 31, 16, 0, tzinfo=UTC) == found.begins


def test_a_treatment_begins_at_its_slot_where_the_venue_is() -> None:
    found = used("spa", TREATMENT)

    assert ((TODAY,), "2026-05-10T14:00", "lake_spa") == (found.days, found.slot, found.venue)
    assert datetime(2026, 5, 10, 6, 0, tzinfo=UTC) == found.begins


def test_the_seats_of_an_exhibition_are_the_quantity() -> None:
    assert [2, 2] == [used("exhibition", TICKETS, some).quantity for some in (None, 2)]
    assert ("invalid_value", "/quantity") == refused("exhibition", TICKETS, 3)


def test_nights_times_rooms_are_the_quantity_and_each_night_a_day() -> None:
    found = used("free_night", NIGHT | {"rooms": 2})

    assert (4, (date(2026, 10, 1), date(2026, 10, 2)), 2) == (found.quantity, found.days, found.each_day)
    assert ("2026-10-01", "SHA01") == (found.slot, found.venue)


def test_points_become_miles_with_a_bonus_for_each_block() -> None:
    found = used("miles", GOOD["miles"])

    # 63,000 / 3 = 21,000, and 5,000 for the one full block of 60,000
    assert (1, 63_000, 26_000) == (found.quantity, found.points, found.miles)
    assert [1_000, 19_000, 25_000, 50_000] == [
        convert(MILES, points) for points in (3_000, 57_000, 60_000, 120_000)
    ]


def test_what_has_no_day_of_use_is_used_on_the_day_of_booking() -> None:
    found = used("merchandise", {}, 3)

    assert ((TODAY,), None, "", 3) == (found.days, found.begins, found.slot, found.quantity)


def test_a_health_check_asks_nothing_about_the_person() -> None:
    assert {"date", "time", "venue"} == set(FORMS["health_check"].__struct_fields__)


@pytest.mark.parametrize(
    ("kind", "changes", "code", "field"),
    [
        ("airline_upgrade", {"flight": "665"}, "invalid_details", "flight"),
        ("airline_upgrade", {"flight": ...}, "invalid_details", "flight"),
        ("airline_upgrade", {"seat": "12A"}, "invalid_details", "seat"),
        ("airline_upgrade", {"booking_ref": "k7"}, "invalid_details", "booking_ref"),
        ("airline_upgrade", {"cabin_from": "eco"}, "unknown_cabin", "cabin_from"),
        ("airline_upgrade", {"cabin_to": "suite"}, "unknown_cabin", "cabin_to"),
        ("airline_upgrade", {"cabin_to": "economy"}, "invalid_details", "cabin_to"),
        ("airline_upgrade", {"cabin_from": "first"}, "invalid_details", "cabin_to"),
        ("airline_upgrade", {"date": "2026-05-09"}, "slot_in_past", "date"),
        ("airline_upgrade", {"date": "2026-02-30"}, "invalid_details", "date"),
        ("airline_upgrade", {"date": "2028-05-11"}, "invalid_details", "date"),
        ("miles", {"points": 2_999}, "invalid_details", "points"),
        ("miles", {"points": 4_000}, "invalid_details", "points"),
        ("miles", {"points": "63000"}, "invalid_details", "points"),
        ("miles", {"account": "x"}, "invalid_details", "account"),
        ("spa", {"slot": "2026-05-10T12:00"}, "slot_in_past", "slot"),
        ("spa", {"slot": "2026-05-10"}, "invalid_details", "slot"),
        ("spa", {"slot": "2026-06-31T10:00"}, "invalid_details", "slot"),
        ("spa", {"venue": "sea_spa"}, "invalid_details", "venue"),
        ("exhibition", {"seats": 0}, "invalid_details", "seats"),
        ("exhibition", {"event": "manet"}, "invalid_details", "event"),
        ("exhibition", {"time": "25:00"}, "invalid_details", "time"),
        ("health_check", {"venue": ...}, "invalid_details", "venue"),
        ("health_check", {"venue": "clinic_3"}, "invalid_details", "venue"),
        ("free_night", {"property": "BJS02"}, "invalid_details", "property"),
        ("free_night", {"nights": 31}, "invalid_details", "nights"),
        ("free_night", {"nights": 30, "rooms": 100}, "invalid_details", "nights"),
        ("free_night", {"arrival": "2026-05-09"}, "slot_in_past", "arrival"),
        ("free_night", {"booking_ref": "R-77\0"}, "invalid_details", "booking_ref"),
        ("room_upgrade", {"booking_ref": "张三 13800000000"}, "invalid_details", "booking_ref"),
        ("merchandise", {"property": "BJS02"}, "invalid_details", "property"),
    ],
)
def test_what_is_wrong_names_its_field(kind: str, changes: dict[str, Any], code: str, field: str) -> None:
    details = {key: value for key, value in (GOOD[kind] | changes).items() if value is not ...}

    assert (code, f"/details/{field}") == refused(kind, details)


@pytest.mark.parametrize(
    ("kind", "changes", "detail"),
    [
        ("miles", {"account": "x"}, "Expected a number of the airline's program."),
        ("airline_upgrade", {"flight": "665"}, "Expected a flight number such as CA981."),
        ("airline_upgrade", {"flight": ...}, "Required field is missing."),
        ("airline_upgrade", {"seat": "12A"}, "Unknown field."),
        ("airline_upgrade", {"date": "x"}, "Expected a date, like 2026-01-31."),
        ("exhibition", {"seats": 0}, "Expected an integer >= 1."),
        ("exhibition", {"event": "e9"}, "e9 isn't on offer; there is: monet."),
    ],
)
def test_what_is_wrong_is_told_in_words(kind: str, changes: dict[str, Any], detail: str) -> None:
    found = look(kind, {key: value for key, value in (GOOD[kind] | changes).items() if value is not ...})
    assert isinstance(found, Problem)

    assert detail == found.detail


def test_what_is_sent_is_not_told_back_without_end() -> None:
    for details in (NIGHT | {"x" * 500_000: 1}, NIGHT | {"a`b" * 9_000: 1}, NIGHT | {"x": {"y" * 9_000: 1}}):
        told = look("free_night", details)
        assert isinstance(told, Problem)
        assert len(told.detail) + len(told.errors[0].pointer) < 1_000


def test_today_is_not_past_and_a_minute_ahead_is_not_either() -> None:
    assert TODAY == used("airline_upgrade", UPGRADE | {"date": "2026-05-10"}).days[0]
    assert "2026-05-10T12:01" == used("spa", TREATMENT | {"slot": "2026-05-10T12:01"}).slot


def test_a_slot_is_past_by_the_clock_of_its_place() -> None:
    late = {"venue": "lake_spa", "slot": "2026-05-10T07:00"}
    there = read(offer("spa"), late, None, TODAY, NOW, ZoneInfo("America/New_York"))

    # Midnight in New York, noon in Shanghai.
    assert isinstance(there, Use)
    assert ("slot_in_past", "/details/slot") == refused("spa", late)


@pytest.mark.parametrize(("quantity", "fits"), [(0, False), (1, True), (1_000, True), (1_001, False)])
def test_the_quantity_has_its_bounds(quantity: int, *, fits: bool) -> None:
    found = look("merchandise", {}, quantity)

    assert fits == isinstance(found, Use)
    assert fits or ("invalid_value", "/quantity") == (found.code, found.errors[0].pointer)


def test_a_conversion_is_one() -> None:
    assert ("invalid_value", "/quantity") == refused("miles", GOOD["miles"], 2)


def test_only_days_and_times_with_a_number_are_offered() -> None:
    by_date = Stock(per="date", slots=(SlotStock("2026-10-01", 5),))
    by_slot = Stock(per="slot", slots=(SlotStock("2026-06-01T10:00", 5),))
    ten = TICKETS | {"time": "10:00"}

    assert 1 == used("free_night", NIGHT | {"nights": 1}, stock=by_date).quantity
    assert ("unknown_slot", "/details/arrival") == refused("free_night", NIGHT, stock=by_date)
    assert (
        4 == used("free_night", NIGHT, stock=structs.replace(by_date, amount=1), quantity=None).quantity * 2
    )
    assert "2026-06-01T10:00" == used("exhibition", ten, stock=by_slot).slot
    assert ("unknown_slot", "/details/date") == refused(
        "exhibition", TICKETS | {"time": "11:00"}, stock=by_slot
    )
    assert ("invalid_details", "/details/time") == refused("exhibition", TICKETS, stock=by_slot)


# --- How long it is held, and until when it comes back ----------------------------------------------------------------


def test_a_hold_lasts_minutes_or_until_the_day_after_its_use() -> None:
    nights = used("free_night", NIGHT)
    kept = offer("free_night", hold_until_use=True)

    assert NOW + timedelta(minutes=45) == hold_expires(offer("spa", hold_minutes=45), nights, NOW, SHANGHAI)
    # The last night is 2 October; its day after ends at midnight to the 4th.
    assert datetime(2026, 10, 3, 16, 0, tzinfo=UTC) == hold_expires(kept, nights, NOW, SHANGHAI)
    assert NOW + timedelta(minutes=60) == hold_expires(kept, used("merchandise", {}), NOW, SHANGHAI)


def test_a_refund_is_possible_until_so_long_before_the_use() -> None:
    begins = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)

    assert None is refundable_until(offer("spa"), begins)
    assert None is refundable_until(offer("spa", refundable_until_hours=24), None)
    assert datetime(2026, 5, 31, 10, 0, tzinfo=UTC) == refundable_until(
        offer("spa", refundable_until_hours=24), begins
    )


# --- Miles, whatever the ratio ----------------------------------------------------------------------------------------

some = st.integers(1, 100_000)
ratios = st.builds(Miles, points=some, miles=some, least=some, step=some) | st.builds(
    Miles, points=some, miles=some, least=some, step=some, bonus=some, block=some
)
points = st.integers(0, 10_000_000)


@given(ratios, points, points)
def test_more_points_never_make_fewer_miles(miles: Miles, few: int, more: int) -> None:
    assert convert(miles, min(few, more)) <= convert(miles, max(few, more))


@given(ratios, points, points)
def test_two_conversions_never_make_more_miles_than_one(miles: Miles, one: int, other: int) -> None:
    assert convert(miles, one) + convert(miles, other) <= convert(miles, one + other)


@given(ratios, points)
def test_miles_are_worth_no_more_than_the_ratio_and_the_bonus_say(miles: Miles, spent: int) -> None:
    plain = convert(structs.replace(miles, bonus=0, block=None), spent)

    assert plain * miles.points <= spent * miles.miles < (plain + 1) * miles.points
    assert convert(miles, spent) - plain == (spent // miles.block * miles.bonus if miles.block else 0)


@given(ratios, st.integers(0, 1_000_000))
def test_exactly_the_steps_from_the_least_on_can_be_converted(miles: Miles, spent: int) -> None:
    found = look("miles", {"account": "TG-123456", "points": spent}, miles=miles)
    fits = spent >= miles.least and (spent - miles.least) % miles.step == 0

    assert fits == isinstance(found, Use)
    if isinstance(found, Problem):
        assert ("invalid_details", "/details/points") == (found.code, found.errors[0].pointer)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.dates().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_whatever_is_sent_is_read_or_refused_by_field(data: Any) -> None:
    kind = data.draw(st.sampled_from(sorted(GOOD)))
    changed = data.draw(st.dictionaries(st.sampled_from([*GOOD[kind], "x"]), anything, max_size=3))
    found = look(kind, GOOD[kind] | changed, data.draw(st.none() | st.integers(-5, 2_000)))

    if isinstance(found, Problem):
        assert found.status == 422
        assert found.errors[0].pointer.startswith(("/details/", "/quantity"))
    else:
        assert found.quantity == found.each_day * len(found.days)
        assert found.begins is None or found.begins > NOW - timedelta(days=1)
        assert isinstance(found.days[0], dt.date)
