"""Every statement of every `queries.sql` is understood by PostgreSQL, and none needs more than its role may."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import loyalty
from loyalty.db import SERVICE_ROLE, connect, parse_queries
from loyalty.embedded import EmbeddedPostgres

PACKAGE = Path(loyalty.__file__).parent
# What the service itself runs. Others are run by an operator, who owns the tables.
OF_THE_SERVICE = {"commands", "events", "http", "ledger", "members", "rewards", "stays"}


def all_queries() -> Iterator[tuple[str, str, str]]:
    for path in sorted(PACKAGE.rglob("queries.sql")):
        for name, sql in parse_queries(path.read_text("utf-8"), str(path)).items():
            yield path.parent.name, name, sql


QUERIES = {f"{slice_}.{name}": (slice_, sql) for slice_, name, sql in all_queries()}


def test_the_slices_that_have_queries_are_known() -> None:
    assert OF_THE_SERVICE <= {slice_ for slice_, _ in QUERIES.values()}
    assert len(QUERIES) > 25


@pytest.fixture(scope="module")
def prepared(postgres: EmbeddedPostgres, migrated_template: str) -> str:
    """A migrated database that nothing is written to."""

    async def make() -> None:
        connection = await connect(postgres.dsn)
        await connection.execute(f"CREATE DATABASE prepared TEMPLATE {migrated_template}")
        await connection.close()

    asyncio.run(make())
    return postgres.dsn_of("prepared")


@pytest.mark.parametrize("name", QUERIES)
async def test_a_query_is_understood(prepared: str, name: str) -> None:
    slice_, sql = QUERIES[name]
    role = SERVICE_ROLE if slice_ in OF_THE_SERVICE else None
    connection = await connect(prepared, role=role)
    try:
        parameters = len((await connection.prepare(sql)).get_parameters())
        # Preparing looks at names and types; only the start of a plan looks at privileges. A lock has no plan.
        if not sql.startswith("LOCK"):
            await connection.execute(f"EXPLAIN (GENERIC_PLAN) {sql}")
    finally:
        await connection.close()

    used = {int(number) for number in re.findall(r"\$(\d+)", sql)}
    assert set(range(1, parameters + 1)) == used


def test_every_query_is_used_and_every_use_is_a_query() -> None:
    for path in sorted(PACKAGE.rglob("queries.sql")):
        names = set(parse_queries(path.read_text("utf-8"), str(path)))
        code = "\n".join(file.read_text("utf-8") for file in path.parent.glob("*.py"))
        used = set(re.findall(r'QUERIES\[\s*"(\w+)"\s*\]', code))

        assert used <= names, path
        assert not [name for name in names if f'"{name}"' not in code], path
