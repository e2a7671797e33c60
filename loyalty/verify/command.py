"""`loyalty verify`: compute the books again from their transfers, and compare."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

import asyncio
import gc
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, datetime

import asyncpg
import rich_click as click
from rich.console import Console

from loyalty.clock import SystemClock
from loyalty.db import DatabaseUnreachableError
from loyalty.embedded import EmbeddedPostgresError, open_database
from loyalty.migrate import MigrationError
from loyalty.program.reading import ProgramError
from loyalty.settings import SettingsError, read_settings
from loyalty.verify.report import Report
from loyalty.verify.run import BATCH, CannotVerifyError, open_verification
from loyalty.verify.show import Outcome, print_json, print_table, progress
from loyalty.vouchers.codes import Codes

__all__ = ["verify"]

CLEAN = 0
DIFFERS = 1
CANNOT_RUN = 2
INTERRUPTED = 130

_CANNOT = (
    SettingsError, ProgramError, EmbeddedPostgresError, MigrationError, DatabaseUnreachableError, CannotVerifyError,
    asyncpg.PostgresError, asyncpg.InterfaceError, OSError,
)  # fmt: skip


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with a digest of the books.")
@click.option(
    "--batch", type=click.IntRange(1, 100_000), default=BATCH, show_default=True, metavar="N",
    help="Members to take at a time.",
)  # fmt: skip
@click.option("--shard", type=click.IntRange(0), metavar="N", help="Verify this shard only.")
@click.option(
    "--as-of", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
    help="The day of the digest: what expires by then has expired.  [default: today]",
)  # fmt: skip
def verify(batch: int, shard: int | None, as_of: datetime | None, *, as_json: bool) -> None:
    """Recompute the books from their transfers and compare.

    The service may go on posting meanwhile. Exit status: 0 the books are right, 1 they differ, 2 they can't be
    verified, 130 interrupted.
    """
    try:
        status = _verify(batch, shard, as_of.date() if as_of else None, as_json=as_json)
    except _CANNOT as error:
        reason = str(error) or type(error).__name__
        Console(stderr=True).print(reason, style="red", markup=False, highlight=False, soft_wrap=True)
        status = CANNOT_RUN
    except KeyboardInterrupt:
        status = INTERRUPTED
    sys.exit(status)


def _verify(batch: int, shard: int | None, as_of: date | None, *, as_json: bool) -> int:
    settings = read_settings()
    key = settings.vault_key_if_any()
    began = time.monotonic()
    with open_database(settings) as dsn, _no_collection():
        # The digest is for programs; it reads all members once more.
        report, label, day, books = asyncio.run(
            _run(dsn, batch, shard, as_of, Codes(key) if key else None, digest=as_json and shard is None)
        )
    seconds = time.monotonic() - began
    if as_json:
        print_json(
            Outcome(
                report.clean, label, day, shard, report.members, report.journals, round(seconds, 3),
                list(report.tallies.values()), books,
            )
        )  # fmt: skip
    else:
        print_table(Console(width=None if sys.stdout.isatty() else 160), report, seconds)
    return CLEAN if report.clean else DIFFERS


@contextmanager
def _no_collection() -> Generator[None]:
    """Spare the collector the millions of rows that come and go; they make no cycles."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _run(
    dsn: str, batch: int, shard: int | None, as_of: date | None, codes: Codes | None, *, digest: bool
) -> tuple[Report, str, date, str | None]:
    """Return the report, which version of the program is in force, the day, and the digest of the books on it."""
    with progress(Console(stderr=True)) as told:
        async with open_verification(dsn, None, told, batch=batch, codes=codes) as verification:
            report = await verification.run(shard)
            day = as_of or verification.rules.today(SystemClock().now())
            books = await verification.digest(day) if digest else None
            return report, verification.rules.at(day).label, day, books
