"""What a posting must be beyond its form, and its figures."""

from datetime import date, timedelta

import pytest

from loyalty.errors import Problem
from loyalty.stays.model import Line
from loyalty.stays.rules import EARLIEST, Folio, content, read_folio
from tests.builders import lines, posting


def problem(found: Folio | Problem) -> tuple[str, list[str]]:
    assert isinstance(found, Problem)
    return found.code, [one.pointer for one in found.errors]


def test_revenue_is_summed_by_category_in_minor_units() -> None:
    said = posting(lines=[Line("room", "10.50"), Line("food", "3"), Line("room", "0.25")])

    assert Folio(20, {"room": 1075, "food": 300}) == read_folio(said, 365)


def test_a_day_use_counts_no_night() -> None:
    assert Folio(0, {}) == read_folio(posting(arrival=date(2026, 5, 3), lines=[]), 365)


def test_amounts_are_read_in_the_stay_s_own_currency() -> None:
    yen = read_folio(posting(currency="JPY", lines=lines(room="1500")), 365)
    dinars = read_folio(posting(currency="BHD", lines=lines(room="1.234")), 365)

    assert [Folio(20, {"room": 1500}), Folio(20, {"room": 1234})] == [yen, dinars]


def test_a_stay_that_ends_before_it_begins_is_refused() -> None:
    said = posting(arrival=date(2026, 5, 4))

    assert ("stay_departure_before_arrival", ["/departure"]) == problem(read_folio(said, 365))


def test_a_stay_longer_than_the_program_allows_is_refused() -> None:
    longest = posting(arrival=date(2026, 5, 3) - timedelta(days=365))
    longer = posting(arrival=date(2026, 5, 3) - timedelta(days=366))

    assert isinstance(read_folio(longest, 365), Folio)
    assert ("stay_too_long", ["/departure"]) == problem(read_folio(longer, 365))


@pytest.mark.parametrize(
    ("arrival", "fields"), [(EARLIEST, []), (EARLIEST - timedelta(days=1), ["/arrival"])]
)
def test_a_stay_lies_within_the_years_that_a_stay_can_be_of(arrival: date, fields: list[str]) -> None:
    found = read_folio(posting(arrival=arrival, departure=EARLIEST + timedelta(days=1)), 365)

    assert fields == (problem(found)[1] if isinstance(found, Problem) else [])


def test_all_that_is_wrong_is_told_at_once_under_the_code_of_the_dates() -> None:
    said = posting(arrival=date(2026, 5, 4), lines=[Line("room", "0.001")])
    code, fields = problem(read_folio(said, 365))

    assert "stay_departure_before_arrival" == code
    assert {"/departure", "/lines/0/amount"} == set(fields)


@pytest.mark.parametrize("amount", ["0.001", "1.234"])
def test_an_amount_finer_than_its_currency_is_refused_at_its_line(amount: str) -> None:
    said = posting(lines=[Line("room", "1.00"), Line("food", amount)])

    assert ("invalid_value", ["/lines/1/amount"]) == problem(read_folio(said, 365))


def test_a_line_s_day_lies_within_the_stay() -> None:
    days = [date(2026, 4, 30), date(2026, 5, 1), date(2026, 5, 3), date(2026, 5, 4)]
    said = posting(lines=[Line("room", "1.00", day) for day in days])

    assert ("invalid_value", ["/lines/0/date", "/lines/3/date"]) == problem(read_folio(said, 365))


def test_the_same_amount_in_other_words_is_the_same_content() -> None:
    assert content(posting(lines=lines(room="6"))) == content(posting(lines=lines(room="06.0"), revision=4))
    assert content(posting(lines=lines(room="6"))) != content(posting(lines=lines(room="6.01")))
    assert content(posting()) != content(posting(rooms=2))
    assert content(posting()) != content(posting(room_type="DLX"))
