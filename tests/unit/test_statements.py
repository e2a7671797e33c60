"""Statements: their lines, sums and hash, how money is split by hotel, and the table of what may become of them."""

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.partners.statements import (
    MOVES,
    Doing,
    Happened,
    StatementStatus,
    as_csv,
    by_property,
    check_lines,
    code_of,
    hash_of,
    last_day,
    move,
    order,
    shares,
    split,
    sums,
)

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "settlement.md"
DOING: tuple[Doing, ...] = ("issue", "accept", "dispute", "settle")
STATUSES: tuple[StatementStatus, ...] = ("open", "issued", "accepted", "disputed", "settled")
codes = st.sampled_from(["", "BJS02", "SHA01", "TYO03"])


def happened(place: int, kind: str = "captured", points: int = 100, **changes: object) -> Happened:
    fields: dict[str, Any] = {
        "kind": kind, "shard": 0, "journal_id": UUID(place.to_bytes(16, "big")), "entry": f"red_{place}",
        "reference": f"R-{place}", "offer": "upgrade", "quantity": 1, "points": points, "money": points // 2,
        "effective_on": date(2026, 3, 10), "recorded_at": datetime(2026, 3, 10, 12, place, tzinfo=UTC),
    } | changes  # fmt: skip
    return Happened(**fields)


def test_lines_are_in_the_order_of_their_days_and_then_as_recorded() -> None:
    late, early = happened(1), happened(2, effective_on=date(2026, 3, 1))
    lines = order([happened(3), late, early])

    assert [(1, "R-2"), (2, "R-1"), (3, "R-3")] == [(line.line, line.reference) for line in lines]


def test_the_order_in_which_things_are_read_changes_no_hash() -> None:
    events = [happened(place) for place in range(5)]

    assert hash_of("AIR", "CNY", order(events)) == hash_of("AIR", "CNY", order(reversed(events)))


def test_a_statement_as_csv_is_as_it_is_documented() -> None:
    lines = order([happened(1, properties={"SHA01": 60, "": 40}), happened(2, reference='a,"b"')])

    assert (
        b"statement,line,kind,id,reference,offer,quantity,points,money,currency,effective_on,properties\n"
        b"AIR-2026-03-0001,1,captured,red_1,R-1,upgrade,1,100,0.50,CNY,2026-03-10,:40 SHA01:60\n"
        b'AIR-2026-03-0001,2,captured,red_2,"a,""b""",upgrade,1,100,0.50,CNY,2026-03-10,\n'
    ) == as_csv("AIR-2026-03-0001", "CNY", lines)


@given(
    st.lists(
        st.tuples(st.sampled_from(["captured", "refunded", "adjusted"]), st.integers(-(10**9), 10**9)),
        max_size=20,
    )
)
def test_sums_by_kind_add_up_to_the_whole(events: list[tuple[str, int]]) -> None:
    lines = order(happened(place, kind, points) for place, (kind, points) in enumerate(events))
    found = sums(lines)

    assert len(events) == sum(one.records for one in found)
    assert sum(points for _, points in events) == sum(one.points for one in found)
    assert sum(line.money for line in lines) == sum(one.money for one in found)


@given(st.integers(-(10**12), 10**12), st.dictionaries(codes, st.integers(1, 10**9), min_size=1))
def test_money_is_split_as_points_are_to_the_cent(amount: int, parts: dict[str, int]) -> None:
    found, whole = split(amount, parts), sum(parts.values())

    assert amount == sum(found.values())
    assert all(abs(part * whole - amount * parts[code]) < 2 * whole for code, part in found.items())


@given(st.integers(-(10**6), 10**6).filter(bool), st.dictionaries(codes, st.integers(0, 1000)))
def test_what_no_lot_tells_of_is_nobodys(points: int, found: dict[str, int]) -> None:
    if sum(found.values()) > abs(points):
        return
    parts = by_property(points, found)

    assert points == sum(parts.values())
    assert all(parts.get(code, 0) == (1 if points > 0 else -1) * n for code, n in found.items() if code and n)


def test_shares_are_what_lines_say_by_hotel() -> None:
    lines = order(
        [
            happened(1, properties={"SHA01": 60, "": 40}),
            happened(2, "refunded", -50, properties={"SHA01": -50}),
            happened(3, "accrued", -70),
        ]
    )

    assert [("", 40, 20), ("SHA01", 10, 5)] == [
        (one.property, one.points, one.money) for one in shares(lines)
    ]


@pytest.mark.parametrize(
    ("period", "day"),
    [("2026-02", date(2026, 2, 28)), ("2028-02", date(2028, 2, 29)), ("2026-12", date(2026, 12, 31)),
     ("2026-13", None), ("2026-3", None), ("1999-12", None), ("2026-03\n", None)],
)  # fmt: skip
def test_a_month_ends_on_its_last_day(period: str, day: date | None) -> None:
    assert day == last_day(period)


def test_a_number_tells_partner_month_and_place() -> None:
    assert "LOTUS_AIR-2026-03-0012" == code_of("lotus_air", "2026-03", 12)


@pytest.mark.parametrize("doing", DOING)
@pytest.mark.parametrize("status", STATUSES)
def test_what_isnt_in_the_table_cant_happen(status: StatementStatus, doing: Doing) -> None:
    to = MOVES.get((status, doing))
    if to is not None:
        assert to == move(status, doing)
        return
    with pytest.raises(Problem) as refused:
        move(status, doing)
    assert "wrong_statement_status" == refused.value.code


def test_the_table_in_the_guide_is_that_of_the_code() -> None:
    found = re.findall(r"^\| `(\w+)` \| (\w+) \| `(\w+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)

    assert {(status, doing): to for status, doing, to in found} == MOVES


def test_every_status_can_be_reached_and_settled_is_the_end() -> None:
    assert set(STATUSES) == {"open", *MOVES.values()}
    assert not [start for start, _ in MOVES if start == "settled"]


@pytest.mark.parametrize(("lines", "code"), [([3], "unknown_line"), ([1, 1], "invalid_value")])
def test_a_dispute_names_lines_that_there_are_once(lines: list[int], code: str) -> None:
    check_lines([1, 2], 2)
    with pytest.raises(Problem) as refused:
        check_lines(lines, 2)
    assert code == refused.value.code
