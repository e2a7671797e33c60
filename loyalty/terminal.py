"""What commands at a terminal share: a connection to the configured database, or to the embedded one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
import rich_click as click

from loyalty import db
from loyalty.embedded import open_database
from loyalty.migrate import migrate
from loyalty.settings import read_settings

T = TypeVar("T")


def with_database(use: Callable[["asyncpg.Connection[Any]"], Awaitable[T]]) -> T:
    """Run `use` on the configured database, or on the embedded one, started or joined for the moment."""
    settings = read_settings()

    async def run(dsn: str) -> T:
        if not settings.dsn:  # the embedded database is ours alone: a newcomer may begin here
            await migrate(dsn, shards=settings.shards)
        connection = await db.connect(dsn, role=db.SERVICE_ROLE)
        try:
            return await use(connection)
        finally:
            await connection.close()

    with open_database(settings) as dsn:
        try:
            return asyncio.run(run(dsn))
        except (asyncpg.UndefinedTableError, asyncpg.InvalidParameterValueError):
            raise click.ClickException(
                "the database has no schema yet: run `loyalty migrate` first"
            ) from None
