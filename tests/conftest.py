"""Fixtures: one PostgreSQL per test process, one fresh database per test that asks for one."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres
from loyalty.migrate import migrate

_numbers = itertools.count(1)


def run_sql(dsn: str, sql: str) -> None:
    """Run statements without results on a connection of their own."""

    async def run() -> None:
        connection = await connect(dsn)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server for this test process. It is quick and forgetful: tests of durability start their own."""
    data_dir: Path = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(data_dir, durable=False, options={"shared_buffers": "64MB"}) as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database, to be copied."""
    run_sql(postgres.dsn, "CREATE DATABASE migrated")
    asyncio.run(migrate(postgres.dsn_of("migrated")))
    return "migrated"


@pytest.fixture
def database(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[str]:
    """The address of a migrated database without rows, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    run_sql(postgres.dsn, f"CREATE DATABASE {name} TEMPLATE {migrated_template}")
    yield postgres.dsn_of(name)
    run_sql(postgres.dsn, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_database(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The address of a database with nothing in it, dropped afterwards."""
    name = f"empty_{next(_numbers)}"
    run_sql(postgres.dsn, f"CREATE DATABASE {name}")
    yield postgres.dsn_of(name)
    run_sql(postgres.dsn, f"DROP DATABASE {name} WITH (FORCE)")
