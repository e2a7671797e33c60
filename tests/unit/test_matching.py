"""A partner's file beside a statement: what each line comes to, whatever the order, and bad files."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.partners.matching import MOST, TheirLine, compare, counts, read
from loyalty.partners.statements import KINDS, SIGNS, Line, LineKind

DAY = date(2026, 3, 10)


def ours(
    line: int, reference: str = "A", points: int = 100, owed: int = 100, kind: LineKind = "captured", day: date = DAY
) -> Line:  # fmt: skip
    journal_id = UUID(line.to_bytes(16, "big"))
    return Line(line, kind, 0, journal_id, f"red_{line}", reference, "upgrade", 1, points, owed, day, {})


def outcomes(here: list[Line], there: list[TheirLine]) -> list[tuple[str, int | None, int | None]]:
    return [(one.outcome, one.line, one.row) for one in compare(here, there, "CNY")]


def test_lines_that_are_equal_match() -> None:
    assert [("matched", 1, 1)] == outcomes([ours(1)], [TheirLine("A", DAY, 100, "1.00")])


def test_money_that_the_file_leaves_out_is_not_compared() -> None:
    assert [("matched", 1, 1)] == outcomes([ours(1)], [TheirLine("A", DAY, 100)])


def test_a_line_is_known_by_our_id_too() -> None:
    assert [("matched", 1, 1)] == outcomes([ours(1, reference="")], [TheirLine("red_1", DAY, 100)])
    assert [("matched", 1, 1)] == outcomes([ours(1)], [TheirLine("red_1", DAY, 100)])


def test_another_kind_is_another_line() -> None:
    found = outcomes([ours(1)], [TheirLine("A", DAY, 100, kind="refunded")])

    assert [("missing_there", 1, None), ("missing_here", None, 1)] == found


def test_a_difference_tells_all_that_differs() -> None:
    [one] = compare([ours(1)], [TheirLine("A", date(2026, 3, 11), 90, "0.90")], "CNY")

    assert "date 2026-03-10 ≠ 2026-03-11, points 100 ≠ 90, money 1.00 ≠ 0.90" == one.text
    assert ["date", "points", "money"] == [each.field for each in one.differences]


def test_money_finer_than_the_currency_differs() -> None:
    assert ["different"] == [
        one.outcome for one in compare([ours(1)], [TheirLine("A", DAY, 100, "1.001")], "CNY")
    ]


def test_signs_count_for_adjustments_only() -> None:
    back = ours(1, points=-100, owed=-100, kind="refunded")
    mended = ours(2, points=-100, owed=-100, kind="adjusted")

    assert [("matched", 1, 1)] == outcomes([back], [TheirLine("A", DAY, 100, "1.00", "refunded")])
    assert [("different", 2, 1)] == outcomes([mended], [TheirLine("A", DAY, 100, "1.00", "adjusted")])
    assert [("matched", 2, 1)] == outcomes([mended], [TheirLine("A", DAY, -100, "-1.00", "adjusted")])


def test_of_several_with_one_reference_equal_ones_go_together_first() -> None:
    here = [ours(1, points=50), ours(2, points=30), ours(3, points=20)]
    there = [
        TheirLine("A", DAY, 20),
        TheirLine("A", DAY, 50),
        TheirLine("A", DAY, 31),
        TheirLine("A", DAY, 7),
    ]

    assert [("matched", 1, 2), ("different", 2, 3), ("matched", 3, 1), ("missing_here", None, 4)] == outcomes(
        here, there
    )


lines = st.lists(
    st.tuples(st.sampled_from("ABC"), st.sampled_from(KINDS), st.integers(1, 4), st.integers(1, 2)),
    max_size=12,
)


@given(lines, lines)
def test_each_line_of_either_comes_to_one_thing(
    here: list[tuple[str, LineKind, int, int]], there: list[tuple[str, LineKind, int, int]]
) -> None:
    mine = [
        ours(place, name, SIGNS.get(kind, 1) * points, 0, kind, date(2026, 3, day))
        for place, (name, kind, points, day) in enumerate(here, 1)
    ]
    theirs = [TheirLine(name, date(2026, 3, day), points, kind=kind) for name, kind, points, day in there]
    found = compare(mine, theirs, "CNY")
    counted = counts(found)

    assert list(range(1, len(mine) + 1)) == sorted(one.line for one in found if one.line)
    assert list(range(1, len(theirs) + 1)) == sorted(one.row for one in found if one.row)
    assert len(mine) == counted.matched + counted.different + counted.missing_there
    assert len(theirs) == counted.matched + counted.different + counted.missing_here
    assert all((one.outcome == "different") == bool(one.text) for one in found)


@given(lines)
def test_a_file_that_says_what_we_say_matches_whole(here: list[tuple[str, LineKind, int, int]]) -> None:
    mine = [
        ours(place, name, SIGNS.get(kind, 1) * points, 7, kind, date(2026, 3, day))
        for place, (name, kind, points, day) in enumerate(here, 1)
    ]
    theirs = [
        TheirLine(one.reference, one.effective_on, one.points, "0.07", one.kind) for one in reversed(mine)
    ]

    assert len(mine) == counts(compare(mine, theirs, "CNY")).matched


# --- Reading ----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_by_its_first_line() -> None:
    text = '\ufeffPoints, Reference ,date,kind,money\r\n100,A,2026-03-10,refunded,1.00\r\n\r\n7,"B,C",2026-03-11,,\r\n'

    assert [
        TheirLine("A", DAY, 100, "1.00", "refunded"), TheirLine("B,C", date(2026, 3, 11), 7),
    ] == read(text)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", "/1"), ("reference,points", "/1"), ("reference,date,points,points", "/1"),
        ("reference,date,points,x", "/1"), ("reference,date,points\nA", "/2"),
        ("reference,date,points\nA,2026-03-10,1\nA,yesterday,1", "/3/date"),
        ("reference,date,points\nA,2026-W11-2,1", "/2/date"),
        ("reference,date,points\nA,2026-03-10,many", "/2/points"),
        ("reference,date,points,money\nA,2026-03-10,1,1.2345", "/2/money"),
        ("reference,date,points,kind\nA,2026-03-10,1,lost", "/2/kind"),
        ('reference,date,points\n"A,2026-03-10,1', "/2"),
    ],
)  # fmt: skip
def test_a_bad_line_is_named_with_its_column(text: str, pointer: str) -> None:
    with pytest.raises(Problem) as refused:
        read(text)
    assert ("invalid_file", pointer) == (refused.value.code, refused.value.errors[0].pointer)


def test_bad_lines_are_told_together_but_not_without_end() -> None:
    with pytest.raises(Problem) as refused:
        read("reference,date,points\n" + "A,never,1\n" * 50)
    assert 20 == len(refused.value.errors)


def test_a_file_has_an_end() -> None:
    with pytest.raises(Problem) as refused:
        read("reference,date,points\n" + "A,2026-03-10,1\n" * (MOST + 1))
    assert "invalid_file" == refused.value.code


@given(st.text(max_size=200))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    codes: list[str] = []
    try:
        read("reference,date,points\n" + text)
    except Problem as refused:
        codes = [refused.code]

    assert codes in ([], ["invalid_file"])
