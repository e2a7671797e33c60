"""Every statement of every `queries.sql` is understood by PostgreSQL, and none needs more than its role may."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
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


async def plan_of(connection: asyncpg.Connection, sql: str) -> list[str]:
    """Return the plan that holds for any parameters."""
    statement = await connection.prepare(sql)
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    given = ", ".join(["NULL"] * len(statement.get_parameters()))
    rows = await connection.fetch(
        f"EXPLAIN EXECUTE {statement.get_name()}" + (f" ({given})" if given else "")
    )
    return [row[0].strip() for row in rows]


@pytest.mark.parametrize(
    "name", [name for name, (slice_, _) in QUERIES.items() if slice_ in {"commands", "rewards"}]
)
async def test_a_statement_of_a_posting_goes_by_an_index(prepared: str, name: str) -> None:
    connection = await connect(prepared)
    try:
        # Then a whole table is looked through only where there is no index to go by.
        await connection.execute("SET enable_seqscan = off")
        plan = await plan_of(connection, QUERIES[name][1])
    finally:
        await connection.close()

    assert [] == [line for line in plan if "Seq Scan on" in line]


KEYS = {
    "find_keys": ["(principal = w.principal) AND (key = w.key)"],
    "find_owners": ["(shard = w.shard) AND (redemption_id = w.redemption_id) AND (step = 1)"],
    "find_tokens": ["(shard = w.shard) AND (hash = w.hash)"],
    "find_pinned": [
        "(shard = $1) AND (redemption_id = ANY ($2))", "(shard = $1) AND (journal_id = s.journal_id)",
        "(shard = $1) AND (lot_id = e.lot_id)",
    ],
}  # fmt: skip
"""Statements of commands that look things up by their whole key."""


@pytest.mark.parametrize("name", KEYS)
async def test_a_look_up_goes_by_its_whole_key_even_if_the_table_was_empty_when_it_was_planned(
    prepared: str, name: str
) -> None:
    connection = await connect(prepared, by_key=True)
    try:
        # To the planner, a table that was analysed while it was empty costs nothing to be read from end to end.
        await connection.execute("ANALYZE")
        plan = await plan_of(connection, QUERIES[f"commands.{name}"][1])
    finally:
        await connection.close()

    assert KEYS[name] == [key for key in KEYS[name] if any(key in line for line in plan)]
