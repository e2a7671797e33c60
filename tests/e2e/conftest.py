"""One running service per test process."""

import asyncio
from collections.abc import Iterator

import pytest

from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres
from loyalty.serve import running_service
from tests.api import Api
from tests.noon import program_at_noon

VAULT_KEY = "k" * 42 + "A"


@pytest.fixture(scope="session")
def api(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A service with three hotels: `loyalty serve` in a process of its own, on a database of its own."""
    dsn = postgres.dsn_of("api")

    async def prepare() -> None:
        connection = await connect(postgres.dsn)
        await connection.execute(f"CREATE DATABASE api TEMPLATE {migrated_template}")
        await connection.close()

    asyncio.run(prepare())
    data_dir = tmp_path_factory.mktemp("api")
    environment = {"LOYALTY_DATABASE_URL": dsn, "LOYALTY_VAULT_KEY": VAULT_KEY, **program_at_noon(data_dir)}
    with (
        running_service(data_dir, env=environment) as running,
        Api(running.url, dsn, running.log) as api,
    ):
        api.add_hotels()
        yield api
