"""What the database itself holds: books that can only grow, a role that can only add to them, and no nonsense."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from loyalty.db import SERVICE_ROLE, connect
from loyalty.embedded import EmbeddedPostgres

BOOKS = ("journal", "transfer", "allocation", "stay_revision", "redemption_step")
ID = "'01900000-0000-7000-8000-000000000001'"
OTHER = "'01900000-0000-7000-8000-000000000002'"
HASH = "decode(repeat('00', 32), 'hex')"

# One good row of each table, as SQL; columns by name so that a bad row changes one of them.
ROWS: dict[str, dict[str, str]] = {
    "shard": {"shard": "9"},
    "property": {"code": "'SHA01'", "name_en": "'A'", "name_zh": "'甲'",
                 "time_zone": "'UTC'", "currency": "'CNY'"},
    "api_key": {"key_id": ID, "role": "'booking'", "name": "'site'", "hash": HASH, "created_at": "now()"},
    "member": {"shard": "0", "member_id": ID, "number": "'HX1'", "enrolled_on": "'2026-01-01'", "version": "1"},
    "vault.profile": {"shard": "0", "member_id": ID},
    "journal": {
        "shard": "0", "journal_id": ID, "member_id": ID, "version": "1", "kind": "'enrolled'",
        "effective_on": "'2026-01-01'", "recorded_at": "now()", "reason": "'enrolled'", "actor": "'test'",
        "balance": "0",
    },
    "transfer": {
        "shard": "0", "journal_id": ID, "line": "1", "unit": "'points'", "kind": "'base'", "debit": "'issued'",
        "credit": "'available'", "amount": "5", "effective_on": "'2026-01-01'",
    },
    "lot": {
        "shard": "0", "lot_id": ID, "member_id": ID, "amount": "5", "remaining": "5", "earned_on": "'2026-01-01'",
        "expires_on": "'2028-01-01'",
    },
    "allocation": {"shard": "0", "journal_id": ID, "lot_id": ID, "kind": "'spend'", "amount": "5"},
    "redemption": {
        "shard": "0", "redemption_id": ID, "member_id": ID, "offer": "'monet'", "offer_version": "1",
        "partner": "'museum'", "status": "'held'", "quantity": "2", "points": "5", "cash": "0", "value": "0",
        "currency": "'CNY'", "tier": "'silver'", "details": "'{}'", "draws": "'{}'", "slot": "''", "venue": "''",
        "booked_on": "'2026-01-01'", "expires_at": "now()", "step": "1",
    },
    "redemption_step": {
        "shard": "0", "redemption_id": ID, "step": "1", "kind": "'held'", "journal_id": ID, "member_id": ID,
        "partner": "'museum'", "quantity": "2", "points": "5", "cash": "0", "value": "0",
        "effective_on": "'2026-01-01'", "recorded_at": "now()", "actor": "'test'", "reason": "''",
    },
    "partner_reference": {"partner": "'museum'", "reference": "'A-1'", "shard": "0", "redemption_id": ID},
    "redemption_token": {
        "shard": "0", "hash": HASH, "member_id": ID, "partner": "'museum'", "points": "5", "minted_at": "now()",
        "minted_by": "'site'", "expires_at": "now()",
    },
    "voucher": {
        "shard": "0", "voucher_id": ID, "member_id": ID, "source": "'reward'", "kind": "'voucher'", "item": "'spa'",
        "partner": "'hotel'", "number": "1", "transferable": "false", "valid_from": "'2026-01-01'",
        "status": "'issued'", "handed_over": "0", "property": "''", "journal_id": ID, "changed_by": ID,
        "code_hash": HASH, "changed_at": "now()",
    },
    "stay_directory": {
        "source": "'opera'", "property": "'SHA01'", "stay_ref": "'R-1'", "leg": "1", "shard": "0", "member_id": ID,
        "stay_id": ID,
    },
    "stay_revision": {
        "shard": "0", "stay_id": ID, "revision": "0", "member_id": ID, "outcome": "'posted'", "snapshot": "'{}'",
        "award": "'{}'", "reply": "'{}'", "recorded_at": "now()",
    },
    "milestone_grant": {
        "shard": "0", "member_id": ID, "milestone": "'tenth_stay'", "ordinal": "1", "status": "'granted'",
        "journal_id": ID, "changed_at": "now()",
    },
    "reward": {
        "shard": "0", "reward_id": ID, "member_id": ID, "milestone": "'tenth_stay'", "period": "''", "ordinal": "1",
        "part": "1", "program": "'house@1'", "status": "'issued'", "kind": "'benefit'", "code": "'album'",
        "points": "0", "granted_on": "'2026-01-01'", "journal_id": ID, "changed_by": ID, "changed_at": "now()",
    },
    "idempotency_key": {
        "principal": ID, "key": "'k'", "fingerprint": HASH, "status": "201", "reply": "'{}'", "recorded_at": "now()",
    },
    "approval": {
        "shard": "0", "approval_id": ID, "member_id": ID, "request": "'{}'", "proposer": ID, "proposed_by": "'a'",
        "proposed_at": "now()",
    },
    "referral": {"shard": "0", "member_id": ID, "referrer_id": OTHER},
    "member_merge": {
        "shard": "0", "merge_id": ID, "member_id": ID, "into_id": OTHER, "first": "2", "last": "3", "owed": "0",
        "counters": "'{}'", "traits": "'{}'",
    },
    "household": {"shard": "0", "household_id": ID, "head_id": ID, "seats": "'[]'"},
    "agent_day": {"principal": ID, "day": "'2026-01-01'", "points": "5"},
    "outbox": {
        "shard": "0", "event_id": ID, "type": "'stay.posted'", "member_id": ID, "journal_id": ID, "payload": "'{}'",
        "recorded_at": "now()",
    },
    "unsealed": {"shard": "0", "journal_id": ID, "leaf": HASH},
    "account_delta": {"shard": "0", "account": "'issued'", "unit": "'points'", "amount": "-5"},
}  # fmt: skip


def insert(table: str, **changes: str | None) -> str:
    row = {name: value for name, value in (ROWS[table] | changes).items() if value is not None}
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(row.values())})"


@pytest.fixture(scope="module")
def scratch(postgres: EmbeddedPostgres, migrated_template: str) -> str:
    """A migrated database in which every test undoes what it did."""

    async def make() -> None:
        connection = await connect(postgres.dsn)
        await connection.execute(f"CREATE DATABASE scratch TEMPLATE {migrated_template}")
        await connection.close()

    asyncio.run(make())
    return postgres.dsn_of("scratch")


@pytest.fixture
async def owner(scratch: str) -> AsyncIterator[asyncpg.Connection]:
    """The owner of the tables, in a transaction that comes to nothing."""
    connection = await connect(scratch)
    await connection.transaction().start()
    yield connection
    await connection.close()


@pytest.fixture
async def service(owner: asyncpg.Connection) -> asyncpg.Connection:
    """The same connection, as the role of the service."""
    await owner.execute(f"SET LOCAL ROLE {SERVICE_ROLE}")
    return owner


async def refused(connection: Any, sql: str, match: str | None = None) -> None:
    """Run a statement that the role may not run, and leave the transaction as it was."""
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match=match):
        async with connection.transaction():
            await connection.execute(sql)


@pytest.mark.parametrize("table", BOOKS)
@pytest.mark.parametrize(
    "word", ["UPDATE {} SET shard = shard", "DELETE FROM {}", "TRUNCATE {}", "TRUNCATE {} CASCADE"]
)
async def test_the_service_can_only_add_to_the_books(service: Any, table: str, word: str) -> None:
    await service.execute(insert(table))
    await refused(service, word.format(table), "permission denied")

    assert 1 == await service.fetchval(f"SELECT count(*) FROM {table}")


@pytest.mark.parametrize("table", BOOKS)
@pytest.mark.parametrize("word", ["UPDATE {} SET shard = shard", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_owner_is_stopped_too(owner: Any, table: str, word: str) -> None:
    await owner.execute(insert(table))
    await refused(owner, word.format(table), f"{table} is append-only")

    assert 1 == await owner.fetchval(f"SELECT count(*) FROM {table}")


@pytest.mark.parametrize(
    "sql",
    [
        "ALTER TABLE journal DISABLE TRIGGER ALL", "DROP TABLE journal",
        "DROP TRIGGER journal_is_append_only ON journal",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
        "SET session_replication_role = replica", "CREATE TABLE x ()",
        "DELETE FROM idempotency_key", "UPDATE idempotency_key SET status = 200", "DELETE FROM member",
        "DELETE FROM lot",
        "DELETE FROM stay_directory", "DELETE FROM property", "UPDATE shard SET shard = 1",
        "CREATE ROLE somebody", "COPY journal TO PROGRAM 'cat'", "SELECT pg_read_file('/etc/passwd')",
    ],
)  # fmt: skip
async def test_the_service_can_not_do_what_it_never_needs(service: Any, sql: str) -> None:
    if sql.startswith("INSERT INTO shard"):
        pytest.skip(
            "the migration fills the shards as the role that runs it; the service may add, never change"
        )
    await refused(service, sql)


async def test_the_service_can_not_log_in_nor_rise_above_itself(owner: Any) -> None:
    role = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = $1", SERVICE_ROLE)

    assert not any(
        role[name]
        for name in (
            "rolsuper",
            "rolcreaterole",
            "rolcreatedb",
            "rolbypassrls",
            "rolreplication",
            "rolcanlogin",
        )
    )


@pytest.mark.parametrize("table", ROWS)
async def test_the_service_can_write_what_is_as_it_should_be(service: Any, table: str) -> None:
    assert "INSERT 0 1" == await service.execute(insert(table))


NONSENSE: list[tuple[str, dict[str, str | None]]] = [
    ("shard", {"shard": "-1"}),
    ("property", {"code": "''"}),
    ("property", {"code": "repeat('x', 65)"}),
    ("property", {"currency": "'cny'"}),
    ("property", {"currency": "'YUAN'"}),
    ("api_key", {"role": "'root'"}),
    ("api_key", {"hash": "'short'"}),
    ("member", {"number": "''"}),
    ("member", {"number": "repeat('x', 33)"}),
    ("member", {"status": "'asleep'"}),
    ("member", {"version": "0"}),
    ("member", {"held": "-1"}),
    ("member", {"debt": "-1"}),
    ("member", {"available": "-5"}),
    ("member", {"available": "-5", "debt": "4"}),
    ("member", {"available": "5", "debt": "5"}),
    ("member", {"counters": "'[]'"}),
    ("journal", {"version": "0"}),
    ("transfer", {"amount": "0"}),
    ("transfer", {"amount": "-5"}),
    ("transfer", {"debit": "'available'"}),
    ("transfer", {"line": "0"}),
    ("lot", {"amount": "0", "remaining": "0"}),
    ("lot", {"remaining": "-1"}),
    ("lot", {"remaining": "6"}),
    ("lot", {"expired": "1"}),
    ("lot", {"expired": "-1"}),
    ("lot", {"expires_on": "'2026-01-01'"}),
    ("allocation", {"amount": "0"}),
    ("allocation", {"kind": "'theft'"}),
    ("redemption", {"points": "0"}),
    ("redemption", {"quantity": "0"}),
    ("redemption", {"captured": "1"}),
    ("redemption", {"captured": "3", "status": "'captured'"}),
    ("redemption", {"captured": "1", "refunded": "2", "status": "'captured'"}),
    ("redemption", {"captured": "2", "refunded": "2", "status": "'captured'"}),
    ("redemption", {"captured": "2", "refunded": "1", "status": "'refunded'"}),
    ("redemption", {"status": "'captured'"}),
    ("redemption", {"status": "'lost'"}),
    ("redemption_step", {"kind": "'lost'"}),
    ("redemption_step", {"points": "-1"}),
    ("partner_reference", {"reference": "''"}),
    ("redemption_token", {"points": "0"}),
    ("voucher", {"source": "'gift'"}),
    ("voucher", {"source": "'redemption'"}),
    ("voucher", {"redemption_id": ID}),
    ("voucher", {"number": "0"}),
    ("voucher", {"status": "'lost'"}),
    ("voucher", {"handed_over": "-1"}),
    ("voucher", {"handed_over": "1"}),
    ("voucher", {"holder_id": ID}),
    ("voucher", {"giver_id": ID}),
    ("voucher", {"transferable": "true", "handed_over": "1", "holder_id": ID, "giver_id": ID}),
    ("voucher", {"code_hash": "'short'"}),
    ("stay_revision", {"revision": "-1"}),
    ("stay_revision", {"outcome": "'liked'"}),
    ("stay_revision", {"snapshot": "'{'"}),
    ("milestone_grant", {"ordinal": "0"}),
    ("milestone_grant", {"status": "'dreamt'"}),
    ("reward", {"ordinal": "0"}),
    ("reward", {"part": "0"}),
    ("reward", {"status": "'lost'"}),
    ("reward", {"kind": "'gold'"}),
    ("reward", {"status": "'open'", "kind": "''", "code": "''"}),
    ("reward", {"code": "''"}),
    ("reward", {"kind": "''"}),
    ("reward", {"points": "5"}),
    ("reward", {"kind": "'points'"}),
    ("idempotency_key", {"key": "''"}),
    ("idempotency_key", {"key": "repeat('k', 256)"}),
    ("idempotency_key", {"fingerprint": "'short'"}),
    ("unsealed", {"leaf": "'short'"}),
    ("approval", {"status": "'rejected'"}),
    ("approval", {"status": "'rejected'", "decider": ID}),
    ("approval", {"status": "'approved'", "decider": OTHER}),
    ("approval", {"kind": "'favour'"}),
    ("agent_day", {"points": "-1"}),
    ("household", {"status": "'noisy'"}),
    ("member_merge", {"into_id": ID}),
    ("member_merge", {"last": "1"}),
    ("member_merge", {"status": "'lost'"}),
    ("referral", {"referrer_id": ID}),
    ("referral", {"status": "'paid'"}),
    ("referral", {"journal_id": ID}),
]


@pytest.mark.parametrize(("table", "changes"), NONSENSE)
async def test_nonsense_is_refused_by_the_database_itself(
    owner: Any, table: str, changes: dict[str, str | None]
) -> None:
    with pytest.raises((asyncpg.CheckViolationError, asyncpg.InvalidTextRepresentationError)):
        await owner.execute(insert(table, **changes))


# Columns that may be unknown. Everything else is always said.
OPTIONAL = {
    "api_key.revoked_at", "api_key.member_id", "member.next_expiry", "member.review_on", "journal.stay_id",
    "journal.linked_id",
    "lot.expires_on", "lot.opens_on", "lot.lapsed_on", "member.active_on",
    "approval.decider", "approval.decided_by", "approval.decided_at", "approval.journal_id", "approval.reply",
    "referral.journal_id", "referral.decided_at", "redemption.reference", "redemption.begins",
    "redemption_token.redemption_id", "settlement_adjustment.number", "settlement_adjustment.line",
    "stay_revision.journal_id", "profile.sealed_key", "profile.name", "profile.email",
    "profile.phone", "profile.birthday", "profile.language",
    "reward.choose_by", "reward.valid_to", "voucher.redemption_id", "voucher.valid_to", "voucher.holder_id",
    "voucher.giver_id",
}  # fmt: skip


async def test_whatever_is_not_optional_must_be_said(owner: Any) -> None:
    rows = await owner.fetch(
        "SELECT table_name || '.' || column_name FROM information_schema.columns AS c"
        " JOIN information_schema.tables AS t USING (table_schema, table_name)"
        " WHERE table_schema IN ('public', 'vault') AND table_type = 'BASE TABLE' AND is_nullable = 'YES'"
    )

    assert OPTIONAL == {row[0] for row in rows if not row[0].startswith("migration.")}


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        ("member", {"member_id": OTHER}), ("journal", {"journal_id": OTHER}), ("stay_directory", {"stay_id": OTHER}),
        ("api_key", {"key_id": OTHER}), ("idempotency_key", {"reply": "'other'"}), ("transfer", {"amount": "9"}),
        ("stay_revision", {"outcome": "'revised'"}), ("milestone_grant", {"status": "'revoked'"}),
        ("reward", {"reward_id": OTHER}), ("reward", {"status": "'used'"}),
    ],
)  # fmt: skip
async def test_what_must_be_one_of_a_kind_is(owner: Any, table: str, changes: dict[str, str]) -> None:
    await owner.execute(insert(table))
    with pytest.raises(asyncpg.UniqueViolationError):
        await owner.execute(insert(table, **changes))


async def test_the_shard_leads_every_key_of_the_posting_path(owner: Any) -> None:
    rows = await owner.fetch("""
        SELECT i.indexrelid::regclass::text AS name, t.relname AS table_name, a.attname AS first
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
        JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]
        WHERE i.indisunique AND t.relnamespace IN ('public'::regnamespace, 'vault'::regnamespace)""")
    not_sharded = {
        "property", "api_key", "stay_directory", "idempotency_key", "agent_day", "shard", "migration",
        "program_version", "program_generation", "promotion_pool", "partner_version", "offer_version",
        "catalogue_generation", "partner_reference", "accrual", "partner_deposit", "statement_turn", "statement",
        "statement_step", "statement_comparison", "statement_line",
    }  # fmt: skip

    assert [] == [
        (row["name"], row["first"]) for row in rows
        if row["table_name"] not in not_sharded and row["first"] != "shard" and "migration" not in row["table_name"]
    ]  # fmt: skip


async def test_no_foreign_key_crosses_a_shard(owner: Any) -> None:
    assert 0 == await owner.fetchval("SELECT count(*) FROM pg_constraint WHERE contype = 'f'")


async def test_a_posting_keeps_the_update_of_a_member_hot(owner: Any) -> None:
    """No index holds a column that every posting changes; else each posting would write to the index too."""
    rows = await owner.fetch("""
        SELECT DISTINCT a.attname FROM pg_index AS i
        JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::smallint[])
        WHERE i.indrelid = 'member'::regclass""")

    assert {row[0] for row in rows}.isdisjoint({"version", "available", "held", "debt", "counters"})


def test_the_schema_is_read_from_top_to_bottom() -> None:
    text = (Path(__file__).parents[2] / "schema.sql").read_text("utf-8")
    headings = [
        line for line in text.splitlines() if line.startswith("-- ") and line[3:5].rstrip(".").isdigit()
    ]

    assert headings == sorted(headings)
    assert 9 == len(headings)
