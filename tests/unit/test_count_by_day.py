"""What was counted by year, counted again by day where a program has come to need days."""

from datetime import date
from typing import Any

from loyalty.commands.store import count_by_day
from loyalty.ids import UUID
from loyalty.ledger.model import Traits
from tests.builders import MINT, counted, member

NOTE = "at:SHA01:2026-03-01"
DAY = date(2026, 3, 4)


class Books:
    """A database that knows what was counted of some members."""

    def __init__(self, *rows: tuple[UUID, str, date, int]) -> None:
        self.rows = rows
        self.asked: list[list[UUID]] = []

    async def fetch(self, query: str, shard: int, ids: list[UUID]) -> list[tuple[UUID, str, date, int]]:
        del query, shard
        self.asked.append(ids)
        return [row for row in self.rows if row[0] in ids]


async def recounted(books: Any, *members: Any, by_day: tuple[str, ...] = ("at:", "stays")) -> None:
    await count_by_day(books, 0, members, by_day)


async def test_units_that_are_kept_by_day_are_counted_by_day_and_the_others_by_year() -> None:
    one = member(member_id=MINT(0), counters={"2026": {"stays": 2, "nights": 50}})
    days = [("stays", DAY, 1), ("stays", date(2026, 5, 1), 1), ("nights", DAY, 50), ("spend", DAY, 0)]
    await recounted(Books(*((one.member_id, *row) for row in days)), one)

    assert (
        counted({"2026-03-04": {"stays": 1}, "2026-05-01": {"stays": 1}, "2026": {"nights": 50}})
        == one.counters
    )
    assert ("at:", "stays") == one.traits.by_day


async def test_notes_of_where_a_member_stayed_are_kept() -> None:
    one = member(member_id=MINT(0), counters=counted({"2026-03-04": {NOTE: 1}, "2026": {"stays": 1}}))
    one.traits = Traits(by_day=("at:",))
    await recounted(Books((one.member_id, "stays", DAY, 1)), one)

    assert counted({"2026-03-04": {NOTE: 1, "stays": 1}}) == one.counters


async def test_a_member_that_is_there_twice_is_asked_for_once() -> None:
    first, again = (member(member_id=UUID(bytes(16)), counters={"2026": {"stays": 1}}) for _ in range(2))
    nobody = member(member_id=MINT(0))
    books = Books((first.member_id, "stays", DAY, 1))
    await recounted(books, first, again, nobody)

    assert [[first.member_id]] == books.asked
    assert first.counters == again.counters == counted({"2026-03-04": {"stays": 1}})
    assert {} == nobody.counters
