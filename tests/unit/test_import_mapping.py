"""Mappings: every mistake named before the first row, and each row a posting or a reason."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.importing.functions import digest
from loyalty.importing.mapper import Mapped, Mapper, fits
from loyalty.importing.mapping import Column, Mapping, decode, read, shipped
from loyalty.importing.problems import ImportFailedError, MappingError, RefusedRow
from loyalty.importing.values import MONTHS, Row
from loyalty.stays.model import StayPosting

DEMAND = read("hotel_booking_demand")
BOOKING = {
    "hotel": "City Hotel",
    "reservation_status": "Check-Out",
    "arrival_date_year": "2016",
    "arrival_date_month": "February",
    "arrival_date_day_of_month": "28",
    "stays_in_weekend_nights": "1",
    "stays_in_week_nights": "2",
    "adr": "75.125",
    "market_segment": "Direct",
    "distribution_channel": "Direct",
    "assigned_room_type": "A",
    "country": "PRT",
    "agent": "NULL",
    "company": "NULL",
    "customer_type": "Transient",
}
OURS = """
[mapping]
name = "ours"
[columns]
arrival = { type = "date", formats = ["%d.%m.%Y", "%Y-%m-%d"] }
departure = { type = "date", formats = ["%d.%m.%Y"] }
room = { type = "decimal", decimal_point = ",", thousands = "." }
[stay]
source = { constant = "pms" }
property = "hotel"
stay_ref = { column = "Booking no" }
status = { column = "state", words = "state" }
arrival = "arrival"
departure = "departure"
channel = { constant = "direct" }
currency = { constant = "CNY" }
rooms = { constant = 2 }
[member]
number = "guest"
[[line]]
category = { column = "kind", words = "kind" }
amount = "room"
date = "arrival"
[words.state]
words = { OUT = "checked_out" }
default = "cancelled"
ignore_case = true
[words.kind]
words = { R = "room" }
unknown = "keep"
"""
ROW = {
    "hotel": "SHA01",
    "Booking no": " R 1 ",
    "state": "out",
    "arrival": "01.02.2026",
    "departure": "03.02.2026",
    "guest": "HX1",
    "kind": "R",
    "room": "1.197,50",
}


def booking(**cells: str | None) -> Mapped | RefusedRow:
    return Mapper(DEMAND, tuple(BOOKING)).map(Row(3, 4, BOOKING | cells, "raw"))


def posting(**cells: str) -> StayPosting:
    mapped = booking(**cells)
    assert isinstance(mapped, Mapped), mapped
    return mapped.posting


def refused(row: Mapped | RefusedRow) -> tuple[str, str, str]:
    assert isinstance(row, RefusedRow), row
    return row.field, row.code, row.status


def ours(text: str = OURS, **cells: str) -> Mapped | RefusedRow:
    return Mapper(decode(text, "ours"), tuple(ROW)).map(Row(1, 2, ROW | cells))


def test_a_booking_becomes_the_posting_of_a_stay() -> None:
    stay = posting()

    assert stay == StayPosting(
        source="hotel_booking_demand",
        property="CITY",
        stay_ref="CITY-000003",
        member="HBD" + digest(["PRT", "", "", "Transient"], 12),
        status="checked_out",
        arrival=date(2016, 2, 28),
        departure=date(2016, 3, 2),
        channel="direct",
        currency="EUR",
        lines=stay.lines,
        rate_code="BAR",
        room_type="A",
    )
    assert [("room", "225.38")] == [(line.category, line.amount) for line in stay.lines]


@given(
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.integers(0, 40),
    st.integers(0, 40),
    st.decimals(0, 5400, places=3),
)
def test_dates_and_revenue_follow_from_the_columns(day: date, weekend: int, week: int, adr: Decimal) -> None:
    stay = posting(
        arrival_date_year=str(day.year),
        arrival_date_month=MONTHS[day.month - 1].title(),
        arrival_date_day_of_month=str(day.day),
        stays_in_weekend_nights=str(weekend),
        stays_in_week_nights=str(week),
        adr=str(adr),
    )
    charged = (adr * (weekend + week or 1)).quantize(Decimal("0.01"), ROUND_HALF_EVEN)

    assert (day, day + timedelta(weekend + week)) == (stay.arrival, stay.departure)
    assert str(charged) == stay.lines[0].amount


@pytest.mark.parametrize(
    ("distribution", "segment", "channel", "rate"),
    [
        ("TA/TO", "Online TA", "ota", "OTA"),
        ("GDS", "Online TA", "ota", "OTA"),
        ("TA/TO", "Offline TA/TO", "wholesale", "TO"),
        ("Direct", "Groups", "group", "GROUP"),
        ("Corporate", "Complementary", "complimentary", "COMP"),
        ("Corporate", "Aviation", "corporate", "CREW"),
        ("Direct", "Direct", "direct", "BAR"),
        ("GDS", "Corporate", "gds", "CORP"),
        ("Undefined", "Undefined", "direct", None),
    ],
)
def test_segment_and_distribution_make_the_channel(
    distribution: str, segment: str, channel: str, rate: str | None
) -> None:
    stay = posting(distribution_channel=distribution, market_segment=segment)

    assert (channel, rate) == (stay.channel, stay.rate_code)


def test_one_booker_is_one_member_whatever_else_differs() -> None:
    first, second = posting(adr="1", hotel="Resort Hotel"), posting(agent=" ", customer_type="Transient ")
    other = posting(agent="240")

    assert first.member == second.member
    assert first.member != other.member


def test_the_member_number_of_the_documented_rule_never_changes() -> None:
    assert posting(country="PRT", agent="240", company="NULL").member == "HBD9ZCQ0C04XT1J"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ({"adr": "-6.38"}, ("lines/0/amount", "negative_amount", "checked_out")),
        ({"adr": "NULL"}, ("lines/0/amount", "empty_value", "checked_out")),
        ({"adr": "much"}, ("lines/0/amount", "not_a_number", "checked_out")),
        ({"adr": "9999999999999"}, ("lines/0/amount", "invalid_field", "checked_out")),
        ({"hotel": "Grand Hotel"}, ("property", "unknown_word", "checked_out")),
        ({"reservation_status": "Gone"}, ("status", "unknown_word", "")),
        ({"arrival_date_day_of_month": "30"}, ("arrival", "no_such_date", "checked_out")),
        ({"arrival_date_month": ""}, ("arrival", "empty_value", "checked_out")),
        (
            {"stays_in_week_nights": "-4", "reservation_status": "No-Show"},
            ("departure", "stay_departure_before_arrival", "no_show"),
        ),
        ({"distribution_channel": "Carrier pigeon"}, ("channel", "unknown_word", "checked_out")),
        ({"assigned_room_type": "🛏"}, ("room_type", "invalid_field", "checked_out")),
    ],
)
def test_a_row_that_makes_no_posting_is_refused_at_its_field(
    cells: dict[str, str], expected: tuple[str, str, str]
) -> None:
    assert expected == refused(booking(**cells))


def test_formats_vocabularies_defaults_and_constants_are_used() -> None:
    mapped = ours()
    assert isinstance(mapped, Mapped)

    assert ("R 1", "checked_out", 2) == (mapped.posting.stay_ref, mapped.posting.status, mapped.posting.rooms)
    assert [("room", "1197.50", date(2026, 2, 1))] == [
        (line.category, line.amount, line.date) for line in mapped.posting.lines
    ]


def test_a_default_stands_in_for_unknown_words_and_kept_words_pass_through() -> None:
    mapped = ours(state="LOST", kind="spa", arrival="2026-02-01")
    assert isinstance(mapped, Mapped)

    assert ("cancelled", "spa") == (mapped.posting.status, mapped.posting.lines[0].category)


def test_a_line_without_amount_is_left_out() -> None:
    mapped = ours(room="")
    assert isinstance(mapped, Mapped)

    assert mapped.posting.lines == []


def test_null_bytes_and_emoji_in_references_are_refused() -> None:
    assert refused(ours(**{"Booking no": "R\x00"})) == ("stay_ref", "invalid_field", "checked_out")
    assert refused(ours(hotel="上海")) == ("property", "invalid_field", "checked_out")


@pytest.mark.parametrize("name", shipped())
def test_shipped_mappings_can_be_read(name: str) -> None:
    mapping = read(name)
    Mapper(mapping, None)

    assert mapping.mapping.name == name


def test_the_shipped_mappings_are_told_apart_by_their_columns() -> None:
    stays = [name for name, _ in read("stays").stay.entries() if name not in {"leg", "revision", "rooms"}]
    stays += ["member", "room"]

    assert ["hotel_booking_demand"] == [name for name in shipped() if fits(read(name), [*BOOKING, "meal"])]
    assert ["stays"] == [name for name in shipped() if fits(read(name), stays)]


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("[member]", "[members]", "unknown field `members`"),
        ('source = { constant = "pms" }', "", "missing required field `source`"),
        ("rooms = { constant = 2 }", "room = 2", "unknown field `room`"),
        ('hotel"', 'hotel"\nhotel = [', "not TOML"),
        (
            'formats = ["%d.%m.%Y"]',
            'formats = ["%d.%m"]',
            "columns.departure: '%d.%m' doesn't give a whole date",
        ),
        ('formats = ["%d.%m.%Y"]', "formats = []", "columns.departure: a date needs its formats"),
        ('"decimal"', '"money"', "columns"),
        (
            '{ constant = "pms" }',
            '{ constant = "pms", column = "x" }',
            "stay.source: give either column or constant",
        ),
        ('words = "state" }', 'words = "states" }', "stay.status: there is no vocabulary words.states"),
        ('number = "guest"', "", "member: give either number or derive"),
        ('number = "guest"', 'derive = { from = [], prefix = "A" }', "member.derive"),
        ('thousands = "."', 'thousands = ","', "columns.room: decimal_point and thousands are the same"),
        (
            "[columns]",
            '[file]\nencoding = "utf-99"\n[columns]',
            "file.encoding: there is no encoding 'utf-99'",
        ),
        ("[columns]", '[file]\nencoding = "utf-16"\n[columns]', "file.encoding: utf-16 isn't supported"),
        ("[columns]", '[file]\ndelimiter = "\\""\n[columns]', "file.delimiter"),
        ("[columns]", '[derive]\n"a b" = "1"\n[columns]', "derive.a b"),
    ],
)
def test_a_mistake_in_the_file_is_named_by_its_key(before: str, after: str, problem: str) -> None:
    assert before in OURS
    with pytest.raises(MappingError) as caught:
        decode(OURS.replace(before, after, 1), "ours.toml")

    assert problem in str(caught.value)
    assert "ours.toml" in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        (
            'property = "hotel"',
            'property = "hotl"',
            "stay.property: the file has no column 'hotl'; did you mean 'hotel'?",
        ),
        ('property = "hotel"', 'property = "hotel +"', "stay.property: not an expression"),
        ('property = "hotel"', 'property = "room"', "stay.property: is a number, must be a text"),
        ('departure = "departure"', 'departure = "guest"', "stay.departure: is a text, must be a date"),
        ('OUT = "checked_out"', 'OUT = "left"', "stay.status: may give 'left', must give one of cancelled"),
        ('"direct"', '"pigeon"', "stay.channel: may give 'pigeon'"),
        (
            'number = "guest"',
            'derive = { from = ["gast"], prefix = "A" }',
            "member.derive.from: the file has no column 'gast'",
        ),
        ("[columns]", '[derive]\na = "b"\nb = "a"\n[columns]', "derive.a: a → b → a goes round in a circle"),
        ("[columns]", '[derive]\nguest = "hotel"\n[columns]', "derive.guest has the name of a column"),
        ("[columns]", '[columns]\nfloor = "integer"', "columns.floor: the file has no column 'floor'"),
        ('amount = "room"', 'amount = "room / 2"', "line[0].amount: `room / 2`: only + - * are operators"),
    ],
)
def test_a_mapping_that_does_not_fit_the_header_says_where(before: str, after: str, problem: str) -> None:
    assert before in OURS
    mapping = decode(OURS.replace(before, after, 1), "ours")
    with pytest.raises(MappingError) as caught:
        Mapper(mapping, tuple(ROW))

    assert problem in str(caught.value)


def test_all_mistakes_are_reported_at_once() -> None:
    text = OURS.replace('property = "hotel"', 'property = "hotl"').replace(
        'amount = "room"', 'amount = "1 +"'
    )
    with pytest.raises(MappingError) as caught:
        Mapper(decode(text, "ours"), tuple(ROW))

    assert ["stay.property", "line[0].amount"] == [one.split(":")[0] for one in caught.value.problems]


def test_a_column_that_stands_twice_in_the_header_is_not_guessed() -> None:
    with pytest.raises(MappingError, match="several columns 'hotel'"):
        Mapper(decode(OURS, "ours"), (*ROW, "hotel"))


def test_an_optional_column_may_be_missing() -> None:
    text = OURS.replace("[stay]", 'plan = { optional = true }\n[stay]\nrate_code = "plan"', 1)
    mapped = ours(text)
    assert isinstance(mapped, Mapped)

    assert mapped.posting.rate_code is None


def test_a_mapping_that_is_not_there_names_the_shipped_ones(tmp_path: Path) -> None:
    with pytest.raises(ImportFailedError, match="Shipped: hotel_booking_demand, stays"):
        read(str(tmp_path / "none.toml"))


def test_a_mapping_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text("\ufeff" + OURS, "utf-8")

    assert isinstance(read(str(path)), Mapping)


def test_a_kept_word_that_is_no_status_refuses_its_row() -> None:
    text = OURS.replace('default = "cancelled"', 'unknown = "keep"')

    assert refused(ours(text, state="lost")) == ("status", "unknown_status", "")


@pytest.mark.parametrize("month", ["2", "02", "Feb", "FEBRUARY"])
def test_months_are_read_by_number_name_and_short_name(month: str) -> None:
    assert posting(arrival_date_month=month).arrival == date(2016, 2, 28)


def test_months_in_another_language_are_read_by_the_names_given() -> None:
    names = [
        f"{number}月"
        for number in ["一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]
    ]
    month = Column(type="month", names=tuple(names))
    mapping = structs.replace(DEMAND, columns={**DEMAND.columns, "arrival_date_month": month})
    mapped = Mapper(mapping, tuple(BOOKING)).map(Row(1, 2, BOOKING | {"arrival_date_month": "二月"}))
    assert isinstance(mapped, Mapped)

    assert mapped.posting.arrival == date(2016, 2, 28)
