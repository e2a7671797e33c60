"""The replay of a member's journals, without a database: histories are written by the rules, then tampered with."""

import datetime as dt
from collections.abc import Iterator
from itertools import count

import pytest

from loyalty.commands.rulebook import Rulebook
from loyalty.ids import UUID, minter
from loyalty.ledger.counters import without_days
from loyalty.ledger.leaf import leaf
from loyalty.ledger.model import GOODWILL, Allocation, Lot, Member, Moment, Traits
from loyalty.ledger.rules import Book
from loyalty.program.model import HOUSE
from loyalty.program.reading import read
from loyalty.verify.books import draw_up
from loyalty.verify.checks import check_entries, replay
from loyalty.verify.model import Entry, History
from loyalty.verify.report import CHECKS, EXAMPLES, Report
from tests.builders import changed, counted, small_rules

RULES = Rulebook(read(HOUSE))
MINT = minter(milliseconds=lambda: 1_760_000_000_000)
DAY = dt.date(2026, 1, 10)


class Life:
    """One member's books, written by the rules themselves."""

    def __init__(self) -> None:
        self.member = Member(0, MINT(0), "HX000001", "active", DAY, 0, 0, 0, 0, {}, None)
        self.lots: dict[UUID, Lot] = {}
        self.entries: list[Entry] = []
        self._hours = count()

    def open(self, day: dt.date = DAY) -> Book:
        self.at = dt.datetime.combine(day, dt.time(4), dt.UTC) + dt.timedelta(seconds=next(self._hours))
        moment = Moment(self.at, RULES.today(self.at), MINT)
        self._day = day
        return Book(self.member, moment, "test", self.lots.values())

    def close(self, book: Book) -> None:
        book.close()
        self.lots |= {lot.lot_id: lot for lot in book.new_lots}
        new = {lot.lot_id: lot for lot in book.new_lots}
        for journal in book.journals:
            transfers = [one for one in book.transfers if one.journal_id == journal.journal_id]
            taken = [one for one in book.allocations if one.journal_id == journal.journal_id]
            entry = Entry(journal, self.at, transfers, taken, new.get(journal.journal_id))
            entry.leaf = leaf(0, journal, transfers)
            self.entries.append(entry)

    def earn(self, points: int, day: dt.date, kind: str = "stay_posted", stay_id: UUID | None = None) -> None:
        book = self.open()
        book.journal(kind, day, "earned", stay_id)
        book.points("base", points, day)
        book.earn(points, RULES.expires_on(day))
        self.close(book)

    def spend(self, points: int) -> None:
        book = self.open()
        book.journal("adjusted", DAY, "spent")
        book.points("adjustment", -points, DAY, GOODWILL)
        book.spend(points)
        self.close(book)

    def reverse(self, points: int, stay_id: UUID) -> None:
        book = self.open()
        book.journal("stay_reversed", DAY, "reversed", stay_id)
        book.points("base", -points, DAY)
        own = frozenset(one.journal.journal_id for one in self.entries if one.journal.stay_id == stay_id)
        book.reverse(points, own)
        self.close(book)

    def stay(self, nights: int, day: dt.date, kind: str = "stay_posted") -> None:
        book = self.open()
        book.journal(kind, day, "stayed")
        book.count("nights", nights, day)
        self.close(book)

    def give(self, points: int, promotion: str) -> None:
        book = self.open()
        book.journal("stay_posted", DAY, "stayed")
        book.pend(f"promotion:{promotion}", points, DAY)
        book.earn(points, None, DAY + dt.timedelta(days=9))
        self.close(book)

    def found(self, rules: Rulebook = RULES) -> set[str]:
        report = Report()
        check_entries(self.entries, 0, report)
        replay(History(self.member, self.entries), rules, report)
        return report.found()


@pytest.fixture
def life() -> Life:
    """Two lots, of which the first to expire was spent from; then a reversal that ends in debt, repaid in part."""
    life, stay = Life(), MINT(0)
    life.earn(100, dt.date(2026, 1, 2))
    life.earn(500, dt.date(2025, 6, 1), stay_id=stay)
    life.spend(450)
    life.spend(60)
    life.reverse(500, stay)
    life.earn(300, dt.date(2026, 1, 3))
    life.earn(200, dt.date(2026, 1, 4))
    return life


def test_a_history_written_by_the_rules_is_clean(life: Life) -> None:
    assert life.found() == set()
    assert (life.member.available, life.member.debt) == (90, 0)


def test_points_that_a_promotion_is_said_to_have_given_and_has_not_are_found(life: Life) -> None:
    life.give(50, "double")
    assert life.member.counters["2026"] == {"promotion:double": 50}
    assert life.found() == set()
    life.member.counters["2026"]["promotion:double"] = 40
    assert life.found() == {"counters"}
    del life.member.counters["2026"]["promotion:double"]
    assert life.found() == {"counters"}


def test_a_spend_from_a_later_lot_while_an_earlier_one_has_points_is_found(life: Life) -> None:
    later, spend = life.entries[0].lot, life.entries[2]
    assert later is not None
    spend.allocations = [
        Allocation(spend.journal.journal_id, later.lot_id, "spend", 100),
        Allocation(spend.journal.journal_id, spend.allocations[0].lot_id, "spend", 350),
    ]

    assert "draw_order" in life.found()


def test_a_debt_while_lots_have_points_is_found(life: Life) -> None:
    del life.entries[4].allocations[0]

    assert "draw_order" in life.found()


def test_a_debt_that_an_adjustment_made_is_found(life: Life) -> None:
    del life.entries[3].allocations[0]

    assert {"allocations", "lots"} <= life.found()


def test_a_debt_that_was_not_repaid_first_is_found(life: Life) -> None:
    assert [one.kind for one in life.entries[5].allocations] == ["repayment"]
    del life.entries[5].allocations[0]

    assert {"allocations", "lots"} == life.found()


def test_journals_out_of_order_are_found(life: Life) -> None:
    life.entries[1], life.entries[2] = life.entries[2], life.entries[1]

    assert {"versions", "recorded"} <= life.found()


BY_DAY = small_rules(changed(HOUSE.read_text("utf-8"), day_use_is_stay="true\nconsecutive = true"))
"""A program that keeps single days, 13 months back: in January 2026 those since 1 December 2024."""


def test_a_day_that_was_left_out_may_be_posted_to_again() -> None:
    life = Life()
    life.member.traits = Traits(by_day=("at:", "nights"))
    life.stay(20, dt.date(2024, 11, 30))
    life.stay(10, dt.date(2024, 12, 1))
    life.member.counters = without_days(life.member.counters, dt.date(2024, 12, 1))
    life.stay(-10, dt.date(2024, 11, 30), "stay_revised")

    assert {"2024": {"nights": 20}, "2024-11-30": {"nights": -10}, "2024-12-01": {"nights": 10}} == (
        life.member.counters
    )
    assert life.found(BY_DAY) == set()


def test_a_day_that_is_kept_singly_and_holds_another_days_nights_is_found() -> None:
    life = Life()
    life.member.traits = Traits(by_day=("at:", "nights"))
    life.stay(20, dt.date(2024, 12, 1))
    life.member.counters = {"2024": {"nights": 20}, "2024-12-02": {"nights": 20}}

    assert life.found(BY_DAY) == {"counters"}


def test_what_a_merge_took_along_by_years_need_not_come_back_on_its_days() -> None:
    life = Life()
    life.member.traits = Traits(by_day=("at:", "nights"))
    life.stay(20, dt.date(2025, 3, 1))
    life.stay(-20, dt.date(2025, 12, 31), "merged_out")
    life.stay(20, dt.date(2025, 12, 31), "merged_in")
    life.member.counters = counted({"2025-12-31": {"nights": 20}})
    before = life.found(BY_DAY)
    life.stay(10, dt.date(2026, 1, 11))
    life.member.counters = counted({"2025-12-31": {"nights": 20}, "2026-01-12": {"nights": 10}})

    assert before == set()
    assert life.found(BY_DAY) == {"counters"}


def test_all_differences_are_counted_and_the_first_are_told() -> None:
    report = Report()
    for number in range(20):
        report.differs("points", f"example {number}")

    assert not report.clean
    assert report.found() == {"points"}
    assert report.tallies["points"].differences == 20
    assert len(report.tallies["points"].examples) == EXAMPLES
    assert list(report.tallies) == list(CHECKS)


class Row:
    """A row as the database gives it: its columns in order, and each by its name."""

    def __init__(self, **columns: object) -> None:
        self._columns = columns

    def __iter__(self) -> Iterator[object]:
        return iter(self._columns.values())

    def __getitem__(self, name: str) -> object:
        return self._columns[name]


def test_a_line_of_the_books_leaves_out_what_is_due_and_sorts_what_has_no_order() -> None:
    days = [dt.date(2026, 1, 1), dt.date(2026, 6, 1), None]
    row = Row(
        shard=0, member_id=UUID(bytes(16)), number="HX1", status="active", enrolled_on=dt.date(2025, 1, 1), version=9,
        available=60, held=0, debt=0, counters='{"2026": {"nights": 100, "stays": 5}}', next_expiry=days[0],
        traits="{}", tier="gold", review_on=None, pending=5, active_on=None, days=days,
        points=[10, 25, 30], opening=[(dt.date(2026, 2, 1), dt.date(2026, 6, 1), 5)],
        milestones=["tenth_stay", "tenth_stay"], ordinals=[2, 1],
    )  # fmt: skip
    line = draw_up(row, RULES, dt.date(2026, 1, 1))

    assert (line.available, line.debt, line.tier) == (50, 0, "gold")
    assert line.expiring == [(dt.date(2026, 6, 1), 20), (None, 30)]
    assert (line.pending, line.opening) == (5, [(dt.date(2026, 2, 1), 5)])
    assert line.milestones == [("tenth_stay", 1), ("tenth_stay", 2)]
