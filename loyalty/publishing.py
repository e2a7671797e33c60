"""`loyalty program publish`, `versions` and `withdraw`: the versions of the program in the database."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import asyncpg
import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from loyalty.clock import SystemClock
from loyalty.commands import versions
from loyalty.errors import Problem
from loyalty.program import store
from loyalty.program.model import Definition
from loyalty.program.reading import decode, find, read_text
from loyalty.program.store import Version
from loyalty.terminal import with_database

T = TypeVar("T")
_DAY = click.DateTime(["%Y-%m-%d"])


@click.command()
@click.argument("name", metavar="FILE|NAME")
@click.option(
    "--from",
    "day",
    type=_DAY,
    help="The first day it is in force. Left out: from the beginning, in an empty database.",
)
@click.option("--dry-run", is_flag=True, help="Only tell whether it could be published.")
def publish(name: str, day: datetime | None, *, dry_run: bool) -> None:
    """Publish a definition: from a day on, stays are judged by it at their check-out.

    The same again changes nothing. A running service knows of it with its next posting.
    """
    text = read_text(find(name))
    definition = decode(text, name)
    one, new = _told(lambda it: _publish(it, definition, text, day.date() if day else None, dry_run=dry_run))
    label = f"{one.program}@{one.version}"
    if dry_run:
        click.echo(f"{label} could be published, in force from {one.effective_from}.")
    elif new:
        click.echo(f"Published {label}, in force from {one.effective_from}.")
    else:
        click.echo(f"{label} is published already, in force from {one.effective_from}.")


async def _publish(
    connection: "asyncpg.Connection[Any]",
    definition: Definition,
    text: str,
    day: date | None,
    *,
    dry_run: bool,
) -> tuple[Version, bool]:
    now = SystemClock().now()
    _, published = await store.read_versions(connection)
    one = Version(definition.version, definition.id, day or versions.BEGINNING, text, "terminal", now)
    if not published:
        # Nothing is in force yet: a first version is, from the beginning.
        one = msgspec.structs.replace(one, effective_from=versions.BEGINNING)
        if not dry_run:
            await versions.begin(connection, text, one.published_by, now)
        return one, True
    if day is None:
        raise Problem(
            "invalid_value",
            "There is a version already: say from which day on this one is in force (--from).",
        )
    today = (await versions.load(connection)).today(now)
    return await versions.publish(connection, one, definition, today, dry_run=dry_run)


@click.command("versions")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_versions(*, as_json: bool) -> None:
    """List the versions that are published, the first in force first."""
    _, published = with_database(store.read_versions)
    if as_json:
        click.echo(msgspec.json.encode([_shown(one) for one in published]))
        return
    table = Table("Program", "In force from", "Published", "By")
    for one in published:
        since = "the beginning" if one.effective_from <= versions.BEGINNING else str(one.effective_from)
        table.add_row(
            f"{one.program}@{one.version}", since, f"{one.published_at:%Y-%m-%d %H:%M}", one.published_by
        )
    Console(width=None if Console().is_terminal else 120).print(table)


def _shown(one: Version) -> dict[str, object]:
    return {
        "program": one.program, "version": one.version, "effective_from": one.effective_from,
        "published_at": one.published_at.astimezone(UTC), "published_by": one.published_by,
    }  # fmt: skip


@click.command()
@click.argument("version", type=int)
def withdraw(version: int) -> None:
    """Withdraw a version that no stay has been judged by."""

    async def run(connection: "asyncpg.Connection[Any]") -> None:
        today = (await versions.load(connection)).today(SystemClock().now())
        await versions.withdraw(connection, version, today)

    _told(run)
    click.echo(f"Withdrew version {version}.")


def _told(use: Callable[["asyncpg.Connection[Any]"], Awaitable[T]]) -> T:
    """Run `use` on the database; tell people of a refusal rather than tracing back."""
    try:
        return with_database(use)
    except Problem as problem:
        raise click.ClickException(problem.detail) from problem
