"""`loyalty import`: files of other systems into the books."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

import asyncio
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

import rich_click as click
from rich.console import Console

from loyalty import log
from loyalty.importing.mapping import shipped
from loyalty.importing.problems import ImportFailedError
from loyalty.importing.progress import progress
from loyalty.importing.refused import RefusedFile, default_path
from loyalty.importing.run import Interrupted, StayImport, choose_mapping
from loyalty.importing.sink import open_sink
from loyalty.settings import SettingsError, read_settings

__all__ = ["import_"]

DONE: Final = 0
SOME_REFUSED: Final = 1
CANNOT_RUN: Final = 2
INTERRUPTED: Final = 130

_LEVELS: Final = ("debug", "info", "warning", "error")


@click.group("import")
def import_() -> None:
    """Import files of other systems."""


@import_.command("stays")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--mapping",
    metavar="FILE|NAME",
    help=f"Which column is what. Shipped: {', '.join(shipped())}. Default: the one that fits.",
)
@click.option(
    "--refused",
    type=click.Path(path_type=Path),
    help="Where refused rows go. Default: FILE.refused.csv beside FILE.",
)
@click.option("--dry-run", is_flag=True, help="Check every row; post nothing, open no database.")
def stays(file: Path, mapping: str | None, refused: Path | None, *, dry_run: bool) -> None:
    """Import stays from FILE: CSV or NDJSON, plain or gzip.

    Run it as often as you like: nothing is posted twice. Exit status: 0 all rows imported, 1 some were refused, 2 the
    import couldn't run, 130 interrupted.
    """
    # Through a pipe there is no width to keep to.
    console = Console(width=None if sys.stdout.isatty() else 120)
    try:
        status = _import(console, file, mapping, refused or default_path(file), dry_run=dry_run)
    except (ImportFailedError, SettingsError) as error:
        Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        status = CANNOT_RUN
    sys.exit(status)


def _import(console: Console, path: Path, mapping: str | None, refused: Path, *, dry_run: bool) -> int:
    chosen = choose_mapping(path, mapping)
    if refused.absolute() == path.absolute():
        raise ImportFailedError("The file of refused rows can't be the input itself.")
    with RefusedFile(refused) as rows, progress(console) as bar, _stopping(console) as stop:
        work = StayImport(path, chosen, rows, bar, stop)
        status = _finish(console, work, dry_run=dry_run)
    _report(console, work, rows, dry_run=dry_run)
    return status


def _finish(console: Console, work: StayImport, *, dry_run: bool) -> int:
    """Do the work to its end, or to where it can't go on."""
    try:
        work.rehearse() if dry_run else asyncio.run(_post(work))
    except (Interrupted, KeyboardInterrupt):
        console.print(
            "Stopped. Run the same command again to go on: what is posted already isn't posted twice."
        )
        return INTERRUPTED
    except (ImportFailedError, SettingsError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever the service died of, say what is done and how to go on
        after = f"The service failed after {work.summary.read:,} rows. {type(error).__name__}: {error}"
        console.print(after, style="red", markup=False, highlight=False)
        console.print("Run the same command again to go on: what is posted already isn't posted twice.")
        return CANNOT_RUN
    return SOME_REFUSED if work.summary.refused else DONE


async def _post(work: StayImport) -> None:
    settings = read_settings()
    # Beside the progress only what an operator must know, and not in the summary's stream.
    log.configure(
        settings.log_format, max(settings.log_level, "warning", key=_LEVELS.index), sys.stderr.buffer
    )
    async with open_sink(settings) as sink:
        await work.run(sink)


def _report(console: Console, work: StayImport, rows: RefusedFile, *, dry_run: bool) -> None:
    summary = work.summary
    summary.show(console)
    if not dry_run:
        moved = f"Points issued: {summary.issued:,}. Taken back: {summary.taken_back:,}."
        console.print(f"{moved} Members enrolled: {summary.enrolled:,}.", highlight=False)
    if rows.rows:
        console.print(
            f"Refused rows: {rows.rows:,}, in {rows.path}", soft_wrap=True, highlight=False, markup=False
        )


@contextmanager
def _stopping(console: Console) -> Generator[Callable[[], bool]]:
    """Turn the first Ctrl-C into a wish to stop after this chunk; the second one stops at once."""
    wished = False

    def wish(_signal: int, _frame: FrameType | None) -> None:
        nonlocal wished
        if wished:
            raise KeyboardInterrupt
        wished = True
        console.print("Finishing this chunk… (Ctrl-C again stops at once)")

    before = signal.signal(signal.SIGINT, wish)
    try:
        yield lambda: wished
    finally:
        signal.signal(signal.SIGINT, before)
