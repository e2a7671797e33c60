"""Every statement of the service reaches rows by a key, however many there are and whatever the planner knows of them.

Statements are prepared, and their plans hold for any parameters. To the planner, a table that was analysed while it was
empty costs nothing to be read from end to end, and any of its indexes is as good as the others.
"""

import json
import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from itertools import takewhile
from typing import Any, Final

import asyncpg
import pytest

from loyalty.db import connect
from tests.filled import fill
from tests.integration.test_queries import QUERIES

# Slices that read all there is: verification and simulation do, and have plans of their own.
READS_ALL_SLICES: Final = {"simulate", "verify"}
READS_ALL: Final = {
    "http.list_keys": "an operator lists the keys",
    "ledger.fold_accounts": "all that was added to a shard's accounts since they were last folded",
    "partners.read_stock": "names by how they begin, for which an index would have to be in the collation C",
    "partners.report_cost": "a report", "partners.report_held": "a report", "partners.report_issued": "a report",
    "partners.report_lots": "a report", "partners.report_properties": "a report",
    "partners.report_redemptions": "a report",
    "program.last_judged": "a version is published",
    "program.read_pools": "a version is published", "program.review_all": "a version is published",
    "program.review_from": "a version is published",
}  # fmt: skip
"""Statements that read a whole table, and why they may."""

IN_ORDER: Final = {
    "commands.dispute": {"settlement_adjustment_of_partner"},  # by hand, a handful a partner
    "commands.find_due_holds": {"redemption_due"},
    "commands.find_waiting_referrals": {"referral_waiting"},
    "commands.list_approvals": {"approval_by_status"},
    "commands.list_redemptions_of_partner": {"redemption_of_partner"},
    "commands.rewards_without_vouchers": {"reward_pkey"},
    "events.find_lapsing": {"member_next_expiry"},
    "events.find_losses": {"member_pkey"},
    "events.last_warned": {"expiry_warning_pkey"},
    "ledger.find_due_members": {"member_pkey"},
    "ledger.find_idle_members": {"member_pkey"},
    "ledger.find_members_to_review": {"member_pkey"},
    "partners.accruals_to_state": {"accrual_of_day"},
    "partners.adjustments_to_state": {"settlement_adjustment_of_partner"},
    "partners.captures_and_refunds": {"redemption_step_of_partner"},
    "partners.last_period": {"statement_partner_period_key"},
    "partners.read_statements": {"statement_pkey", "statement_partner_period_key"},
    "program.last_judged_since": {"journal_pkey"},
    "program.newest_journals": {"journal_pkey"},
    "rewards.find_members_with_due_rewards": {"reward_due"},
    "rewards.list_flagged": {"reward_flagged"},
    "vouchers.find_members_with_due_vouchers": {"voucher_due"},
}
"""Statements of lists and jobs that go along an index, from where a page begins or up to a day; and the index."""

PLANNED_ANEW: Final = {"commands.write_books"}
"""Statements that only lanes run, which have them planned anew as tables grow: no form of an UPDATE orders its join."""

SMALL: Final = {
    "shard", "property", "program_version", "program_generation", "partner_version", "offer_version",
    "catalogue_generation", "statement_turn",
}  # fmt: skip
"""Tables that don't grow with members, stays or redemptions."""

COARSE: Final = {"shard", "partner", "principal", "property", "source", "status", "kind"}
"""Columns that many rows of a table agree in."""

Indexes = Mapping[str, tuple[str, list[str]]]
"""The table and the columns of each index."""


@asynccontextmanager
async def planning(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await connect(dsn, by_key=True)
    try:
        yield connection
    finally:
        await connection.close()


async def indexes_of(connection: asyncpg.Connection) -> Indexes:
    rows = await connection.fetch(
        "SELECT c.relname, t.relname,"
        " ARRAY(SELECT pg_get_indexdef(c.oid, k, true) FROM generate_series(1, i.indnkeyatts) AS k)"
        " FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid"
    )
    return {index: (table, columns) for index, table, columns in rows}


async def plan_of(connection: asyncpg.Connection, sql: str) -> dict[str, Any]:
    """Return the plan that holds for any parameters."""
    statement = await connection.prepare(sql)
    given = ", ".join(["NULL"] * len(statement.get_parameters()))
    found = await connection.fetchval(
        f"EXPLAIN (FORMAT JSON) EXECUTE {statement.get_name()}" + (f" ({given})" if given else "")
    )
    return json.loads(found)[0]["Plan"]


def scans(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the parts of a plan that read tables."""
    for part in plan.get("Plans", ()):
        yield from scans(part)
    if "Index Name" in plan or plan["Node Type"] == "Seq Scan":
        yield plan


def is_by_key(condition: str, columns: list[str]) -> bool:
    """Tell whether a condition fixes the first columns of an index, and with them more than what is coarse."""
    fixed = takewhile(partial(is_fixed, condition), columns)
    return not COARSE.issuperset(fixed)


def is_fixed(condition: str, column: str) -> bool:
    name = re.escape(column)
    return bool(re.search(rf"\({name} (= |>= (.+?)\) AND \({name} <= \2\))", condition))


def astray(name: str, plan: dict[str, Any], indexes: Indexes) -> list[str]:
    """Return what a statement reads by no key."""
    found: list[str] = []
    for scan in scans(plan):
        index = scan.get("Index Name", "")
        table, columns = indexes[index] if index else (scan["Relation Name"], [])
        condition = scan.get("Index Cond", "")
        if table in SMALL or is_by_key(condition, columns) or index in IN_ORDER.get(name, ()):
            continue
        found.append(f"{table} by {index or 'nothing'} {condition}")
    return found


async def all_astray(connection: asyncpg.Connection, *, but: set[str] | None = None) -> dict[str, list[str]]:
    """Return what statements read by no key, by their names."""
    indexes = await indexes_of(connection)
    found = {
        name: astray(name, await plan_of(connection, sql), indexes)
        for name, (slice_, sql) in QUERIES.items()
        if slice_ not in READS_ALL_SLICES
        and name not in {*READS_ALL, *(but or ())}
        and not sql.startswith("LOCK")
    }
    return {name: what for name, what in found.items() if what}


@pytest.mark.parametrize("before", ["ANALYZE", "SELECT"])
async def test_rows_are_reached_by_a_key_though_tables_were_empty_when_it_was_planned(
    database: str, before: str
) -> None:
    async with planning(database) as connection:
        await connection.execute(before)

        assert {} == await all_astray(connection, but=PLANNED_ANEW)


@pytest.mark.parametrize("analysed", ["while it was empty", "never", "when it was full"])
async def test_rows_are_reached_by_a_key_in_a_full_database(database: str, analysed: str) -> None:
    owner = await connect(database)
    try:
        if analysed == "while it was empty":
            await owner.execute("ANALYZE")
        await fill(owner)
        if analysed == "when it was full":
            await owner.execute("ANALYZE")
    finally:
        await owner.close()
    async with planning(database) as connection:
        assert {} == await all_astray(connection)


async def test_what_is_exempt_is_still_there_and_still_needs_it(database: str) -> None:
    async with planning(database) as connection:
        indexes = await indexes_of(connection)
        await connection.execute("ANALYZE")
        plans = {name: await plan_of(connection, QUERIES[name][1]) for name in {*READS_ALL, *IN_ORDER}}

    assert set(SMALL) <= {table for table, _ in indexes.values()}
    assert not [name for name in READS_ALL if not astray(name, plans[name], indexes)]
    assert not [name for name in IN_ORDER if not astray("", plans[name], indexes)]
