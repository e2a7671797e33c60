"""Brings a database to the current schema: numbered `.sql` files, each applied once, in order, as a whole.

`migrations/0001_initial.sql` has number 1 and name `initial`. What was applied is recorded with a digest of its text,
in the table `schema_migration`; a file is never edited once released, and this refuses to go on if one was.
"""

import contextlib
import hashlib
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import asyncpg
from msgspec import Struct

from loyalty.db import SERVICE_ROLE, connect

OLDEST_SERVER: Final = 15
_FILE: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_LOCK: Final = int.from_bytes(b"loyalty", "big")
_TABLE: Final = f"""
CREATE TABLE schema_migration (
    number     integer PRIMARY KEY CHECK (number > 0),
    name       text NOT NULL,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON schema_migration TO {SERVICE_ROLE};
"""


class MigrationError(Exception):
    """The database can't be brought to the current schema; the message says why and what to do."""


class Migration(Struct, frozen=True):
    """One step of the schema."""

    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}"


async def migrate(dsn: str, *, shards: int = 2, migrations: list[Migration] | None = None) -> list[Migration]:
    """Apply what is missing and return it; `shards` counts only when the database is initialised.

    Runs at the same time wait for each other, and the later ones find nothing to do.
    """
    known = packaged_migrations() if migrations is None else migrations
    connection = await connect(dsn, application_name="loyalty migrate")
    try:
        await _check_server(connection)
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)  # let go when the connection closes
        await _ensure_role(connection)
        if not await _has_table(connection, "schema_migration"):
            await connection.execute(_TABLE)
        pending = await _pending(connection, known)
        for migration in pending:
            await _apply(connection, migration)
        await _number_shards(connection, shards)
    finally:
        await connection.close()
    return pending


async def outstanding(dsn: str, migrations: list[Migration] | None = None) -> list[Migration]:
    """Return what `migrate` would apply, changing nothing."""
    known = packaged_migrations() if migrations is None else migrations
    connection = await connect(dsn, application_name="loyalty migrate")
    try:
        await _check_server(connection)
        return (
            await _pending(connection, known) if await _has_table(connection, "schema_migration") else known
        )
    finally:
        await connection.close()


def packaged_migrations() -> list[Migration]:
    """Return the migrations that come with this version of the program, in order."""
    return read_migrations(files("loyalty") / "migrations")


def read_migrations(directory: Traversable) -> list[Migration]:
    """Read a directory of `NNNN_name.sql`; raise MigrationError unless they are numbered 1, 2, 3 …"""
    found: list[Migration] = []
    for file in sorted(directory.iterdir(), key=lambda file: file.name):
        if match := _FILE.fullmatch(file.name):
            found.append(Migration(int(match[1]), match[2], file.read_text("utf-8")))
        elif file.name.endswith(".sql"):
            raise MigrationError(f"{file.name}: migrations are named like 0001_initial.sql")
    numbers = [migration.number for migration in found]
    if numbers != list(range(1, len(found) + 1)):
        raise MigrationError(f"migrations must be numbered 1, 2, 3 … without gaps, but are {numbers}")
    return found


async def _check_server(connection: asyncpg.Connection) -> None:
    major = connection.get_server_version().major
    if major < OLDEST_SERVER:
        raise MigrationError(f"PostgreSQL {OLDEST_SERVER} or newer is needed; this server is version {major}")


async def _ensure_role(connection: asyncpg.Connection) -> None:
    """Make the role the service works as, and let the current user take it on."""
    user = await connection.fetchval("SELECT current_user")
    try:
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", SERVICE_ROLE):
            await _create_role(connection)
        if not await connection.fetchval("SELECT pg_has_role($1, 'USAGE')", SERVICE_ROLE):
            await connection.execute(f'GRANT {SERVICE_ROLE} TO "{user}"')
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"the database user {user} may not create the role {SERVICE_ROLE} or grant it to itself ({error})."
            f" Ask an administrator of the database to run once:\n"
            f'    CREATE ROLE {SERVICE_ROLE} NOLOGIN;\n    GRANT {SERVICE_ROLE} TO "{user}";'
        ) from None


async def _create_role(connection: asyncpg.Connection) -> None:
    # Roles belong to the whole server: another database's migration may be faster.
    with contextlib.suppress(asyncpg.DuplicateObjectError, asyncpg.UniqueViolationError):
        await connection.execute(f"CREATE ROLE {SERVICE_ROLE} NOLOGIN")


async def _pending(connection: asyncpg.Connection, known: list[Migration]) -> list[Migration]:
    """Return what isn't applied yet, after checking that what is applied is what we know."""
    rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migration ORDER BY number")
    for row, migration in zip(rows, known, strict=False):
        if row["number"] != migration.number or row["sha256"] != migration.sha256:
            raise MigrationError(
                f"{migration} isn't what was applied to this database as {row['number']:04}_{row['name']}:"
                " an applied migration must not change; add a new one instead"
            )
    if len(rows) > len(known):
        raise MigrationError(
            f"this database is at migration {rows[-1]['number']}, newer than this program, which knows {len(known)};"
            " upgrade the program"
        )
    return known[len(rows) :]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await connection.execute(
                "INSERT INTO schema_migration (number, name, sha256) VALUES ($1, $2, $3)",
                *(migration.number, migration.name, migration.sha256),
            )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"{migration} failed, and nothing of it was kept: {error}") from error


async def _number_shards(connection: asyncpg.Connection, shards: int) -> None:
    if await _has_table(connection, "shard"):
        await connection.execute(
            "INSERT INTO shard (shard) SELECT generate_series(0, $1::int - 1)"
            " WHERE NOT EXISTS (SELECT FROM shard)",
            shards,
        )


async def _has_table(connection: asyncpg.Connection, name: str) -> bool:
    return await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", name)
