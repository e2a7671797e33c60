"""How a simulation looks: a bar while it runs, tables at its end, CSV files."""

import csv
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from loyalty.commands.versions import BEGINNING
from loyalty.ids import UUID, show
from loyalty.simulate.model import Compared, Counted, SimulationReply, Totals
from loyalty.simulate.run import Progressing, Quiet

_ROWS: Final = {
    "stays": "Stays",
    "earning": "Stays that earn",
    "nights": "Qualifying nights",
    "base": "Base points",
    "tier_bonus": "Tier bonus",
    "promotion": "Promotions",
    "points": "Points",
    "cost": "Cost",
    "milestones": "Milestones",
}
_FIELDS: Final = Totals.__struct_fields__
_WORDS: Final = {"not_convertible": "in a currency without a rate", "beyond_limits": "beyond the limits"}


class Bar:
    """A bar over the members, with the revisions of stays that are done."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, members: int) -> None:
        """Begin, or begin again because a budget is spent."""
        if self._task is None:
            self._task = self._bar.add_task("Replaying", total=members, revisions=0)
        else:
            self._bar.reset(self._task, total=members, description="Replaying within budgets", revisions=0)

    def at(self, members: int, revisions: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=members, revisions=revisions)


@contextmanager
def progress(console: Console) -> Generator[Progressing]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not console.is_terminal:
        yield Quiet()
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.fields[revisions]:,} postings"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)


# --- tables -----------------------------------------------------------------------------------------------------------


def print_tables(console: Console, found: SimulationReply) -> None:
    """Print what a simulation comes to."""
    console.print(_heading(found), highlight=False)
    console.print(_totals(found))
    for title, rows in (("Month", found.months), ("Property", found.properties)):
        console.print(_compared(title, rows, found))
    console.print(_counted("Members on " + str(found.as_of), found.tiers))
    if found.moves:
        console.print(_moves(found))
    for title, counted in (
        ("Milestones granted", found.milestones),
        ("Points by promotion", found.promotions),
    ):
        if counted:
            console.print(_counted(title, counted))
    for line in notes(found):
        console.print(escape(line), highlight=False)


def span(found: SimulationReply) -> str:
    """Say in words which check-outs are looked at."""
    since = "all check-outs" if found.first <= BEGINNING else f"check-outs from {found.first}"
    return since if found.last is None else f"{since} to {found.last}"


def _heading(found: SimulationReply) -> str:
    return f"[bold]{escape(found.live)}[/] beside [bold]{escape(found.new)}[/]: {span(found)}\n"


def notes(found: SimulationReply) -> list[str]:
    """Return what else there is to say, in sentences."""
    lines: list[str] = []
    for which, refused in (("live", found.refused_live), ("new", found.refused_new)):
        for key, words in _WORDS.items():
            count: int = getattr(refused, key)
            if count:
                stays = "1 stay is" if count == 1 else f"{count:,} stays are"
                lines.append(f"Under the {which} rules {stays} {words} and counted as nothing.")
    if not _costs(found):
        lines.append("What points cost isn't told: neither definition has a `point_value`.")
    lines += [
        f"Under the {one.rules} rules the budget of {one.code} is spent since {one.since:%Y-%m-%d %H:%M} UTC."
        for one in found.budgets_spent
    ]
    lines.append(
        f"{found.members:,} members, {found.revisions:,} postings replayed. The books are as they were."
    )
    return lines


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left", no_wrap=True)
    return table


def _totals(found: SimulationReply) -> Table:
    table = _table("", "live", "new", "change", "")
    live, new = found.totals.live, found.totals.new
    for field, title in _ROWS.items():
        if field == "cost":
            if not _costs(found):
                continue
            title = f"Cost in {found.currency}"  # noqa: PLW2901 - it says more
        table.add_row(title, *_change(str(getattr(live, field)), str(getattr(new, field))))
    table.add_row()
    return table


def _costs(found: SimulationReply) -> bool:
    """Tell whether a point costs anything under any of the rules."""
    return any(Decimal(side.cost) for side in (found.totals.live, found.totals.new))


def _compared(title: str, rows: Sequence[Compared], found: SimulationReply) -> Table:
    columns = [title, "stays", "points live", "new", "change", ""]
    costs = _costs(found)
    table = _table(*columns, *([f"cost live ({found.currency})", "new"] if costs else []))
    for one in rows:
        points = _change(str(one.live.points), str(one.new.points))
        shown = (_grouped(one.live.cost), _grouped(one.new.cost)) if costs else ()
        table.add_row(escape(one.key), f"{max(one.live.stays, one.new.stays):,}", *points, *shown)
    table.add_row()
    return table


def _counted(title: str, rows: Iterable[Counted]) -> Table:
    table = _table(title, "live", "new", "change", "")
    for one in rows:
        table.add_row(escape(one.code), *_change(str(one.live), str(one.new)))
    table.add_row()
    return table


def _moves(found: SimulationReply) -> Table:
    table = _table("Other tier", "members", "")
    for one in found.moves:
        table.add_row(f"{escape(one.before)} → {escape(one.after)}", f"{one.members:,}", one.direction)
    table.add_row()
    return table


def _change(before: str, after: str) -> tuple[str, str, str, str]:
    """Return two decimal strings, by how much they differ, and by how many percent."""
    was, now, decimals = _scaled(before, after)
    change = now - was
    sign = "+" if change > 0 else "-" if change < 0 else ""
    digits = str(abs(change)).zfill(decimals + 1)
    shown = digits if not decimals else f"{digits[:-decimals]}.{digits[-decimals:]}"
    difference = f"{sign}{_grouped(shown)}" if change else "0"
    return _grouped(before), _grouped(after), difference, percent(was, now)


def _scaled(before: str, after: str) -> tuple[int, int, int]:
    """Return two decimal strings as integers of one scale, and its decimals."""
    parts = [text.partition(".") for text in (before, after)]
    decimals = max(len(fraction) for _, _, fraction in parts)
    was, now = (int(whole + fraction.ljust(decimals, "0")) for whole, _, fraction in parts)
    return was, now, decimals


def percent(before: int, after: int) -> str:
    """Return a change in percent with one decimal, rounded to the nearer; nothing without anything to compare with.

    >>> percent(200, 230), percent(3, 2), percent(0, 5)
    ('+15.0 %', '-33.3 %', '')
    """
    if before <= 0 or before == after:
        return ""
    change = abs(after - before) * 1000
    tenths = (2 * change + before) // (2 * before)
    return f"{'+' if after > before else '-'}{tenths // 10:,}.{tenths % 10} %"


def _grouped(text: str) -> str:
    whole, point, fraction = text.partition(".")
    return f"{int(whole):,}{point}{fraction}"


# --- files ------------------------------------------------------------------------------------------------------------


def as_csv(found: SimulationReply) -> str:
    """Return the sums by month and by property, and in all, as CSV: live and new side by side."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(
        ["by", "key", *(f"live_{name}" for name in _FIELDS), *(f"new_{name}" for name in _FIELDS)]
    )
    groups = (("month", found.months), ("property", found.properties), ("all", [found.totals]))
    for by, rows in groups:
        for one in rows:
            live, new = ([getattr(side, name) for name in _FIELDS] for side in (one.live, one.new))
            writer.writerow([by, one.key, *live, *new])
    return file.getvalue()


def members_csv(moved: Iterable[tuple[UUID, str, str, str]]) -> str:
    """Return the members with another tier as CSV, by id alone."""
    file = StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["member_id", "live_tier", "new_tier", "direction"])
    for member_id, before, after, direction in moved:
        writer.writerow([show("mem", member_id), before, after, direction])
    return file.getvalue()
