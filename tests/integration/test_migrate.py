"""Bringing a database to the current schema."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from loyalty.db import SERVICE_ROLE, connect, connect_pool
from loyalty.embedded import EmbeddedPostgres
from loyalty.embedded.programs import as_child, choose_mode
from loyalty.migrate import (
    Migration,
    MigrationError,
    migrate,
    outstanding,
    packaged_migrations,
    read_migrations,
)

FIRST = Migration(1, "initial", "CREATE TABLE guest (name text)")
SECOND = Migration(2, "second", "ALTER TABLE guest ADD COLUMN phone text")
ROOT_DIR = Path(__file__).parents[2]


async def fetch(dsn: str, sql: str) -> list[Any]:
    connection = await connect(dsn)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def execute(dsn: str, sql: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_what_is_missing_is_applied_once_in_order_and_recorded(empty_database: str) -> None:
    assert [FIRST] == await migrate(empty_database, migrations=[FIRST])
    assert [SECOND] == await outstanding(empty_database, migrations=[FIRST, SECOND])
    assert [SECOND] == await migrate(empty_database, migrations=[FIRST, SECOND])
    assert [] == await migrate(empty_database, migrations=[FIRST, SECOND])
    recorded = await fetch(
        empty_database, "SELECT number, name, sha256 FROM schema_migration ORDER BY number"
    )
    assert [(m.number, m.name, m.sha256) for m in (FIRST, SECOND)] == recorded


async def test_looking_changes_nothing(empty_database: str) -> None:
    assert [FIRST] == await outstanding(empty_database, migrations=[FIRST])
    assert [(None,)] == await fetch(empty_database, "SELECT to_regclass('schema_migration')")


async def test_an_applied_migration_may_not_change(empty_database: str) -> None:
    await migrate(empty_database, migrations=[FIRST])
    edited = Migration(1, "initial", FIRST.sql + ";")
    for run in (migrate, outstanding):
        with pytest.raises(MigrationError, match="0001_initial isn't what was applied"):
            await run(empty_database, migrations=[edited, SECOND])


async def test_a_database_newer_than_the_program_is_left_alone(empty_database: str) -> None:
    await migrate(empty_database, migrations=[FIRST, SECOND])
    with pytest.raises(MigrationError, match="newer than this program"):
        await migrate(empty_database, migrations=[FIRST])


async def test_a_migration_that_fails_leaves_no_trace_and_stops_the_rest(empty_database: str) -> None:
    broken = Migration(2, "broken", "CREATE TABLE half (); SELECT 1 / 0")
    with pytest.raises(
        MigrationError, match="0002_broken failed, and nothing of it was kept: division by zero"
    ):
        await migrate(empty_database, migrations=[FIRST, broken, Migration(3, "third", "SELECT 1")])

    assert [(None,)] == await fetch(empty_database, "SELECT to_regclass('half')")
    assert [(1,)] == await fetch(empty_database, "SELECT number FROM schema_migration")


async def test_runs_at_the_same_time_apply_each_migration_once(empty_database: str) -> None:
    slow = Migration(1, "slow", "SELECT pg_sleep(0.2); CREATE TABLE once ()")
    applied = await asyncio.gather(*(migrate(empty_database, migrations=[slow]) for _ in range(4)))

    assert [0, 0, 0, 1] == sorted(map(len, applied))


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0001_a.sql", "0003_c.sql"], "without gaps"),
        (["0001_a.sql", "0001_b.sql"], "without gaps"),
        (["0002_b.sql"], "without gaps"),
        (["1-initial.sql"], "named like 0001_initial.sql"),
    ],
)
def test_misnumbered_files_are_refused(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationError, match=complaint):
        read_migrations(tmp_path)


def test_files_are_read_in_order_and_others_passed_over(tmp_path: Path) -> None:
    for name in ("0002_second.sql", "0001_first.sql", "__init__.py", "README.md"):
        (tmp_path / name).write_text(name)

    expected = [Migration(1, "first", "0001_first.sql"), Migration(2, "second", "0002_second.sql")]
    assert expected == read_migrations(tmp_path)


async def test_the_shards_are_numbered_when_the_database_is_initialised_and_never_again(
    empty_database: str,
) -> None:
    await migrate(empty_database, shards=3)
    await migrate(empty_database, shards=8)

    assert [(0,), (1,), (2,)] == await fetch(empty_database, "SELECT shard FROM shard ORDER BY shard")


async def test_a_user_who_may_not_make_roles_is_told_what_to_ask_for(
    postgres: EmbeddedPostgres, empty_database: str
) -> None:
    # The role has been made on this server before; only a grant is missing.
    await migrate(empty_database, migrations=[])
    await execute(empty_database, "CREATE ROLE clerk LOGIN")
    try:
        with pytest.raises(MigrationError, match=rf'GRANT {SERVICE_ROLE} TO "clerk"'):
            await migrate(empty_database.replace("loyalty@", "clerk@"), migrations=[])
    finally:
        await execute(empty_database, "DROP ROLE clerk")


async def test_a_user_who_was_given_the_role_needs_no_more_to_look(database: str) -> None:
    await execute(database, f"CREATE ROLE reader LOGIN; GRANT {SERVICE_ROLE} TO reader")
    try:
        assert [] == await outstanding(database.replace("loyalty@", "reader@"))
    finally:
        await execute(database, "DROP ROLE reader")


async def test_the_services_connections_cannot_rewrite_the_journal(database: str) -> None:
    async with await connect_pool(database, size=2) as pool:
        assert SERVICE_ROLE == await pool.fetchval("SELECT current_user")
        for statement in ("UPDATE journal SET version = 1", "DELETE FROM transfer", "TRUNCATE allocation"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await pool.execute(statement)


def dump(server: EmbeddedPostgres, dsn: str) -> str:
    """Return the schema as pg_dump writes it, less what names this one run of it."""
    command = [str(server.binaries / "pg_dump"), "--schema-only", "--exclude-table=schema_migration", dsn]
    done = subprocess.run(
        as_child(choose_mode(server.binaries), command), capture_output=True, text=True, check=True
    )
    return re.sub(r"^\\(un)?restrict .*$", "", done.stdout, flags=re.MULTILINE)


async def test_the_migrations_end_in_the_schema_that_is_documented(
    postgres: EmbeddedPostgres, database: str, empty_database: str
) -> None:
    await execute(empty_database, (ROOT_DIR / "schema.sql").read_text("utf-8"))

    assert dump(postgres, empty_database) == dump(postgres, database)


def test_the_command_says_what_it_did(tmp_path: Path) -> None:
    env = os.environ | {"LOYALTY_DATA_DIR": str(tmp_path)}
    first, second = (
        subprocess.run(
            [sys.executable, "-m", "loyalty", "migrate"], env=env, capture_output=True, text=True, check=True
        )
        for _ in range(2)
    )

    assert [f"applied {migration}" for migration in packaged_migrations()] == first.stdout.splitlines()
    assert "the schema is up to date\n" == second.stdout


def test_the_command_fails_in_plain_words() -> None:
    url = "postgresql://someone:hush@127.0.0.1:1/nothing"
    env = os.environ | {"LOYALTY_DATABASE_URL": url, "LOYALTY_VAULT_KEY": "A" * 43}
    done = subprocess.run(
        [sys.executable, "-m", "loyalty", "migrate"], env=env, capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode
    assert "can't connect to the database at 127.0.0.1/nothing" in re.sub(r"[\s│]+", " ", done.stderr)
    assert "hush" not in done.stderr
    assert "Traceback" not in done.stderr
