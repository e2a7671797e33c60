"""The worked cases through the service, on a real database, each under the program it is about."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from loyalty.commands.rulebook import Rulebook
from tests.property.live import LiveBooks, opened
from tests.property.oracle import Stay
from tests.property.strategies import START
from tests.worked_cases import (
    ALL_REVENUE,
    FOLIO,
    PLAIN,
    ROOM_AT_FIVE,
    ROOM_ONLY,
    WHOLE_UNITS,
    WITH_PARKING,
    WITHOUT_PARKING,
)


def stay(ref: str, departure: date, nights: int = 1, **amounts: str) -> Stay:
    told = tuple((category, int(Decimal(amount) * 100)) for category, amount in amounts.items())
    return Stay(ref, "T1", departure - timedelta(days=nights), nights, told)


CASES: list[Any] = [
    pytest.param(WITHOUT_PARKING, FOLIO, 3, 14_113 + 7_056, id="1: parking doesn't earn"),
    pytest.param(WITH_PARKING, FOLIO, 3, 14_953 + 7_476, id="1: parking earns"),
    pytest.param(WHOLE_UNITS, {"room": "845.90"}, 1, 845 + 422, id="2: whole units"),
    pytest.param(ALL_REVENUE, {"room": "400", "food": "50", "tax": "48"}, 1, 8_100, id="3: all revenue"),
    pytest.param(ROOM_ONLY, {"room": "400", "food": "50", "tax": "48"}, 1, 7_200, id="3: room only"),
    pytest.param(
        ROOM_AT_FIVE, {"room": "400", "food": "50", "tax": "48"}, 1, 3_600, id="3: room only, at five"
    ),
]


@pytest.mark.parametrize(("rules", "folio", "nights", "total"), CASES)
def test_a_stay_earns_what_was_worked_out_by_hand(
    database: str, tmp_path: Path, rules: Rulebook, folio: dict[str, str], nights: int, total: int
) -> None:
    with opened(database, rules, tmp_path) as live:
        books = LiveBooks(live)
        books.enrol("T1", "enrol")
        # One night before makes the member gold; its taxes earn nothing.
        books.post(stay("R-0", START - timedelta(days=20), 1, tax="1.00"))
        said = books.post(stay("R-1", START - timedelta(days=1), nights, **folio))
        view = books.balance("T1")

        assert (total, total, str(nights)) == (said["change"], view.available, said["nights"])
        assert (str(nights + 1), "2") == (view.year["nights"], view.year["stays"])
        assert {} == live.verify()


def test_case_7_what_comes_back_after_its_day_expires_at_once_and_both_are_in_the_statement(
    database: str, tmp_path: Path
) -> None:
    with opened(database, PLAIN, tmp_path) as live:
        books = LiveBooks(live)
        books.enrol("T1", "enrol")
        books.post(stay("R-1", date(2026, 1, 15), room="100"))
        books.travel((date(2027, 1, 14) - START).days)

        assert 100 == books.balance("T1").available
        books.travel(1)
        assert 0 == books.balance("T1").available
        books.travel(5)
        books.post(stay("R-2", date(2026, 1, 15), room="40"))
        assert [("expired", 0, -40), ("stay_posted", 40, 40), ("expired", 0, -100)] == [
            (one.kind, one.balance, sum(part.amount for part in one.parts if part.unit == "points"))
            for one in books.statement("T1")[:3]
        ]
        assert {} == live.verify()


def test_case_8_a_reversal_below_zero_is_repaid_by_what_is_earned_next(database: str, tmp_path: Path) -> None:
    with opened(database, PLAIN, tmp_path) as live:
        books = LiveBooks(live)
        books.enrol("T1", "enrol")
        first = stay("R-1", START - timedelta(days=5), room="70")
        books.post(first)
        books.adjust("T1", -20, "spend")
        cancelled = books.post(
            Stay(first.ref, first.member, first.arrival, 1, first.lines, status="cancelled")
        )
        next_one = books.post(stay("R-2", START - timedelta(days=1), room="30"))

        assert (-20, 20) == (cancelled["available"], cancelled["debt"])
        assert (10, 0) == (next_one["available"], next_one["debt"])
        assert {} == live.verify()
