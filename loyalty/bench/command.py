"""`loyalty bench`: measures speed and memory on this machine, and says whether they are what they should be."""

import sys
import time
from pathlib import Path
from typing import Self

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from loyalty.bench import chart, contest, measure, report
from loyalty.bench.ground import GroundError, processors
from loyalty.bench.population import FULL, QUICK
from loyalty.bench.workload import LoadFailedError
from loyalty.serve import ServiceError
from loyalty.settings import read_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every raw figure.")
@click.option("--quick", is_flag=True, help="A smaller size, in under two minutes.")
@click.option(
    "--svg", type=click.Path(path_type=Path, dir_okay=False), help="Draw a chart into this file, too."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the measured service; a free one by default.",
)
def bench(*, as_json: bool, quick: bool, svg: Path | None, port: int) -> None:
    """Measure the service's speed and memory on this machine.

    Uses databases of its own, on the embedded PostgreSQL or on the server of LOYALTY_DATABASE_URL, and drops them
    afterwards. A full run takes about a quarter of an hour and 12 GB of disk.
    """
    settings, size = read_settings(), QUICK if quick else FULL
    try:
        with ShownProgress() as progress:
            outcome = contest.measure_all(settings, size, port=port, progress=progress)
    except (LoadFailedError, GroundError, ServiceError) as error:
        raise click.ClickException(str(error)) from error
    if svg:
        figures = measure.figures(outcome.samples, outcome.peak_rss_mb)
        note = f"{size.members:,} members, {outcome.journals_at_start:,} journals, {processors()} processors"
        svg.write_text(chart.draw(figures, measure.rates(outcome.samples), note), "utf-8")
    if as_json:
        found = report.as_json(outcome, size, quick=quick)
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else 150).print(report.table(outcome, size, quick=quick))


class ShownProgress(contest.Progress):
    """Shows on stderr how far things are: a bar on a terminal, a line per step elsewhere."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._started = time.monotonic()
        self._task: TaskID | None = None
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def step(self, what: str, total: int | None = None) -> None:
        """Begin something, of so many parts."""
        if self._task is not None:
            task = self._bar.tasks[-1]
            self._bar.update(self._task, total=task.total or 1, completed=task.total or 1, note="")
        self._task = self._bar.add_task(what, total=total, note="")
        self._say(what)

    def advance(self, parts: int, note: str = "") -> None:
        """Some parts of it are done."""
        if self._task is not None:
            self._bar.update(self._task, advance=parts, note=note)
        if note:
            self._say(f"  {note}")

    def _say(self, text: str) -> None:
        if not self._console.is_terminal:
            click.echo(f"{time.monotonic() - self._started:6.1f} s  {text}", err=True)
