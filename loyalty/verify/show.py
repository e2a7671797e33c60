"""How a verification looks: a bar while it runs on a terminal, a table at its end, or JSON."""

from collections.abc import Generator
from contextlib import contextmanager
from datetime import date

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from loyalty.verify.report import Report, Tally
from loyalty.verify.run import Progressing


class Outcome(Struct, frozen=True):
    """What `--json` prints. `books` is null when only one shard was verified."""

    clean: bool
    program: str
    as_of: date
    shard: int | None
    members: int
    journals: int
    seconds: float
    checks: list[Tally]
    books: str | None


class Quiet:
    """Says nothing on the way."""

    def begin(self, journals: int) -> None: ...

    def at(self, journals: int, what: str) -> None: ...


class Bar:
    """A bar over the journals, with what is looked at now."""

    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, journals: int) -> None:
        self._task = self._bar.add_task("", total=journals)

    def at(self, journals: int, what: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=journals, description=what)


@contextmanager
def progress(console: Console) -> Generator[Progressing]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not console.is_terminal:
        yield Quiet()
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
        TextColumn("{task.completed:,} journals"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True) as bar:
        yield Bar(bar)


def print_table(console: Console, report: Report, seconds: float) -> None:
    """Print what was checked, and what differs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("check", no_wrap=True)
    table.add_column("what holds")
    table.add_column("checked", justify="right", no_wrap=True)
    table.add_column("differences", justify="right", no_wrap=True)
    for tally in report.tallies.values():
        found = f"[bold red]{tally.differences:,}[/]" if tally.differences else "0"
        table.add_row(tally.check, escape(tally.holds), f"{tally.checked:,}", found)
    console.print(table)
    for tally in report.tallies.values():
        if tally.differences:
            _print_examples(console, tally)
    console.print()
    counted = f"{report.members:,} members, {report.journals:,} journals, {seconds:,.1f} s"
    verdict = "[green]The books are right.[/]" if report.clean else "[bold red]The books differ.[/]"
    console.print(f"{verdict} {counted}", highlight=False)


def _print_examples(console: Console, tally: Tally) -> None:
    first = f"first {len(tally.examples)} of {tally.differences:,}"
    console.print(f"\n[bold]{tally.check}[/] ({first})", highlight=False)
    for example in tally.examples:
        console.print(f"  {escape(example)}", highlight=False, soft_wrap=True)


def print_json(outcome: Outcome) -> None:
    """Print the outcome for programs."""
    text = msgspec.json.format(msgspec.json.encode(outcome), indent=2)
    Console(highlight=False, markup=False, soft_wrap=True).out(text.decode(), highlight=False)
