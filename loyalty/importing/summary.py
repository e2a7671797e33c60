"""What an import did, counted so that it can be reconciled: every row read is in exactly one place."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from loyalty.importing.problems import RefusedRow
from loyalty.importing.sink import OUTCOMES, Result
from loyalty.stays.model import StayPosting

__all__ = ["Award", "Summary", "verdict"]

UNREADABLE: Final = "(unreadable)"
CHECKED: Final = "checked"
"""The outcome of a row in a dry run."""


class Award(NamedTuple):
    """What the stays of one channel and verdict add up to."""

    stays: int
    nights: Decimal
    points: int


class Summary:
    """The counts of one import. `rows` by status and outcome; `awards` by channel and verdict; `refusals` by code."""

    def __init__(self) -> None:
        self.rows: Counter[tuple[str, str]] = Counter()
        self.awards: dict[tuple[str, str], Award] = {}
        self.refusals: Counter[str] = Counter()
        self.issued = 0
        self.taken_back = 0
        self.enrolled = 0

    @property
    def read(self) -> int:
        """All rows."""
        return self.rows.total()

    @property
    def refused(self) -> int:
        """Rows that were refused, here or by the service."""
        return self.outcome("refused")

    def outcome(self, outcome: str) -> int:
        """Rows with this outcome, whatever their status."""
        return sum(count for (_, one), count in self.rows.items() if one == outcome)

    def status(self, status: str) -> int:
        """Rows with this status, whatever their outcome."""
        return sum(count for (one, _), count in self.rows.items() if one == status)

    def checked(self, posting: StayPosting) -> None:
        """Count a row of a dry run."""
        self.rows[posting.status, CHECKED] += 1

    def posted(self, posting: StayPosting, result: Result) -> None:
        """Count a posting that wasn't refused."""
        self.rows[posting.status, result.outcome] += 1
        self.issued += max(0, result.change)
        self.taken_back -= min(0, result.change)
        key = (posting.channel, verdict(posting, result))
        stays, nights, points = self.awards.get(key, _NOTHING)
        self.awards[key] = Award(stays + 1, nights + result.nights, points + result.points)

    def refuse(self, row: RefusedRow) -> None:
        """Count a refused row."""
        self.rows[row.status or UNREADABLE, "refused"] += 1
        self.refusals[row.code] += 1

    def show(self, console: Console) -> None:
        """Print the tables."""
        console.print(self._table_of_rows())
        if self.awards:
            console.print(self._table_of_awards())
        if self.refusals:
            console.print(self._table_of_refusals())

    def _table_of_rows(self) -> Table:
        outcomes = [one for one in (CHECKED, *OUTCOMES) if self.outcome(one) or one in {"refused", "posted"}]
        if self.outcome(CHECKED):
            outcomes.remove("posted")
        table = _table("Rows by status", "status", "read", *outcomes)
        for status in sorted({status for status, _ in self.rows}):
            counts = [self.rows[status, one] for one in outcomes]
            table.add_row(status, *_numbers(self.status(status), *counts))
        table.add_section()
        table.add_row("all", *_numbers(self.read, *(self.outcome(one) for one in outcomes)))
        return table

    def _table_of_awards(self) -> Table:
        table = _table("What the stays earn", "channel", "verdict", "stays", "nights", "points", texts=2)
        for (channel, why), award in sorted(self.awards.items()):
            table.add_row(channel, why, *_numbers(award.stays), f"{award.nights:,}", *_numbers(award.points))
        table.add_section()
        stays, nights, points = map(sum, zip(*self.awards.values(), strict=True))
        table.add_row("all", "", *_numbers(stays), f"{nights:,}", *_numbers(points))
        return table

    def _table_of_refusals(self) -> Table:
        table = _table("Refused", "code", "rows")
        for code, count in self.refusals.most_common():
            table.add_row(code, *_numbers(count))
        return table


_NOTHING: Final = Award(0, Decimal(0), 0)


def verdict(posting: StayPosting, result: Result) -> str:
    """Say in a word why a stay earns or doesn't."""
    if result.outcome == "superseded":
        return "superseded"
    if posting.status != "checked_out":
        return posting.status
    if result.points:
        return "earned"
    return ", ".join(result.excluded) or "nothing_to_earn"


def _table(title: str, *columns: str, texts: int = 1) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for at, column in enumerate(columns):
        table.add_column(column, justify="left" if at < texts else "right", no_wrap=True)
    return table


def _numbers(*numbers: int) -> Iterator[str]:
    return (f"{number:,}" for number in numbers)
