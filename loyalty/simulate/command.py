"""`loyalty program simulate`: what other rules would have made of the recorded history."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

import gc
import sys
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import rich_click as click
from rich.console import Console

from loyalty.clock import SystemClock
from loyalty.program import store
from loyalty.program.model import Definition
from loyalty.program.reading import ProgramError, find, read
from loyalty.simulate import show
from loyalty.simulate.chart import draw
from loyalty.simulate.model import Ask, SimulationError
from loyalty.simulate.run import Outcome, Simulation, by_version, first_day
from loyalty.terminal import with_database

__all__ = ["simulate"]

_DAY = click.DateTime(["%Y-%m-%d"])
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("new", metavar="FILE|NAME|VERSION")
@click.option(
    "--from", "first", type=_DAY, metavar="DATE",
    help="Judge check-outs from this day on by the new rules, earlier ones as they were.  [default: all]",
)  # fmt: skip
@click.option("--until", "last", type=_DAY, metavar="DATE", help="Leave out check-outs after this day.")
@click.option("--svg", type=_FILE, help="Draw a chart into this file, too.")
@click.option(
    "--csv", "csv_file", type=_FILE, help="Write the sums by month and by property into this file, too."
)
@click.option(
    "--members", type=_FILE, help="Write the ids of members with another tier into this file (CSV), too."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def simulate(
    new: str, first: datetime | None, last: datetime | None, svg: Path | None, csv_file: Path | None,
    members: Path | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Replay the recorded history under another definition, and compare.

    The definition is a file, the name of a shipped one, or the number of a version in the database. The books aren't
    touched, and the service may go on posting meanwhile.
    """
    outcome = _run(new, first_day(first and first.date()), last and last.date())
    found = outcome.summary
    for path, text in (
        (svg, draw(found)),
        (csv_file, show.as_csv(found)),
        (members, show.members_csv(outcome.moved)),
    ):
        if path is not None:
            _write(path, text)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        show.print_tables(Console(width=None if sys.stdout.isatty() else 160), found)


def _run(new: str, first: date, last: date | None) -> Outcome:
    try:
        definition = None if new.isdecimal() else read(find(new))
        with show.progress(Console(stderr=True)) as told, _no_collection():

            async def use(connection: "asyncpg.Connection[Any]") -> Outcome:
                ask = Ask(definition or await _published(connection, int(new)), first, last)
                return await Simulation(connection, ask, SystemClock().now(), told).run()

            return with_database(use)
    except (ProgramError, SimulationError) as error:
        raise click.ClickException(str(error)) from error


async def _published(connection: "asyncpg.Connection[Any]", version: int) -> Definition:
    _, found = await store.read_versions(connection)
    return by_version(found, version)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from error


@contextmanager
def _no_collection() -> Generator[None]:
    """Spare the collector the millions of rows that come and go; they make no cycles."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
