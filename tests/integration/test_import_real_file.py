"""The shipped mapping on the real bookings of two hotels, where they are at hand."""

import csv
import gzip
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from loyalty.importing.mapper import Mapped
from loyalty.importing.mapping import read
from loyalty.importing.refused import RefusedFile
from loyalty.importing.run import StayImport, choose_mapping
from loyalty.stays.model import StayPosting

ROOT = Path(__file__).parents[2]
BOOKINGS = Path(
    os.environ.get("LOYALTY_TEST_BOOKINGS") or ROOT.parent / "shared" / "data" / "hotel_bookings.csv.gz"
)

pytestmark = pytest.mark.skipif(
    not BOOKINGS.exists(),
    reason=f"the bookings aren't at {BOOKINGS}; LOYALTY_TEST_BOOKINGS names another place",
)


class Quiet:
    def begin(self, what: str, size: int) -> None: ...

    def at(self, rows: int, position: int) -> None: ...


def work(tmp_path: Path) -> StayImport:
    refused = RefusedFile(tmp_path / "refused.csv")
    return StayImport(BOOKINGS, choose_mapping(BOOKINGS, None), refused, Quiet(), lambda: False)


def postings(tmp_path: Path) -> list[StayPosting]:
    rows = [row for chunk in work(tmp_path)._chunks("reading") for row in chunk]
    assert all(isinstance(row, Mapped) for row in rows)
    return [row.posting for row in rows if isinstance(row, Mapped)]


def bookings() -> list[dict[str, str]]:
    with gzip.open(BOOKINGS, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_shipped_mapping_is_found_by_the_columns() -> None:
    assert choose_mapping(BOOKINGS, None) == read("hotel_booking_demand")


def test_every_row_makes_a_valid_posting_and_the_counts_reconcile(tmp_path: Path) -> None:
    rehearsed = work(tmp_path)
    rehearsed.rehearse()
    summary = rehearsed.summary

    assert dict(summary.rows) == {
        ("checked_out", "checked"): 6_938,
        ("cancelled", "checked"): 7_793,
        ("no_show", "checked"): 207,
    }
    assert (summary.read, summary.refused) == (14_938, 0)


def test_two_readings_give_the_same_postings(tmp_path: Path) -> None:
    assert postings(tmp_path) == postings(tmp_path)


def test_every_stay_has_a_key_of_its_own(tmp_path: Path) -> None:
    stays = postings(tmp_path)

    assert len({(stay.source, stay.property, stay.stay_ref, stay.leg) for stay in stays}) == len(stays)


def test_channels_agree_with_the_columns_they_come_from(tmp_path: Path) -> None:
    channels = Counter(stay.channel for stay in postings(tmp_path))
    rows = bookings()
    segments = Counter(row["market_segment"] for row in rows)
    rest = Counter(
        row["distribution_channel"]
        for row in rows
        if row["market_segment"] not in {"Online TA", "Groups", "Complementary"}
    )

    assert channels == {
        "ota": segments["Online TA"],
        "group": segments["Groups"],
        "complimentary": segments["Complementary"],
        "wholesale": rest["TA/TO"],
        "direct": rest["Direct"] + rest["Undefined"],
        "corporate": rest["Corporate"],
    }


def test_departures_agree_with_the_day_the_hotel_recorded_check_out(tmp_path: Path) -> None:
    """The file's last column isn't used by the mapping: it is another witness. Some guests left early."""
    pairs = [
        (stay.departure, datetime.strptime(row["reservation_status_date"], "%m/%d/%Y").date())  # noqa: DTZ007
        for stay, row in zip(postings(tmp_path), bookings(), strict=True)
        if stay.status == "checked_out"
    ]
    differing = [departure - recorded for departure, recorded in pairs if departure != recorded]

    assert len(differing) < len(pairs) / 100
    assert all(difference.days > 0 for difference in differing)


def test_guests_come_back(tmp_path: Path) -> None:
    members = Counter(stay.member for stay in postings(tmp_path))
    rows = bookings()
    bookers = {(row["country"], row["agent"], row["company"], row["customer_type"]) for row in rows}

    assert len(members) == len(bookers) == 983
