"""Rows for every table, whatever its columns: to see how statements are planned where there are many."""

from typing import Final

import asyncpg

ROWS: Final = 10_000

# Each as SQL of the row's number. Whatever isn't here follows from the type.
_VALUES: Final = {
    "shard": "i % 16",
    "member_id": "md5('m' || i % 9973)::uuid",
    "into_id": "md5('m' || i % 9967)::uuid",
    "holder_id": "CASE i % 9 WHEN 0 THEN md5('m' || i % 9973)::uuid END",
    "partner": "'partner_' || i % 20",
    "source": "(ARRAY['redemption', 'benefit', 'reward'])[1 + i % 3]",
    "status smallint": "200",
    "status": "(ARRAY['open', 'waiting', 'issued', 'held', 'merged', 'captured', 'flagged', 'revoked'])[1 + i % 8]",
    "kind": "(ARRAY['captured', 'refunded', 'hold', 'spend', 'expiry', 'voucher', 'points'])[1 + i % 7]",
}
_TYPES: Final = {
    "uuid": "md5(i::text)::uuid", "text": "'t' || i", "bytea": "sha256(i::text::bytea)", "json": "'{}'",
    "jsonb": "'{}'", "smallint": "i % 30000", "integer": "i", "bigint": "i", "boolean": "i % 10 = 0",
    "date": "date '2020-01-01' + i", "timestamp with time zone": "timestamptz '2020-01-01' + i * interval '1 hour'",
    "text[]": "'{}'", "integer[]": "'{}'",
}  # fmt: skip


async def fill(connection: asyncpg.Connection) -> None:
    """Fill all tables that can have many rows, which nobody but the owner analyses from then on.

    Whatever tables check isn't checked any more.
    """
    tables = await connection.fetch(
        "SELECT c.oid, c.oid::regclass::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relkind = 'r' AND n.nspname IN ('public', 'vault') AND c.relname NOT IN ('shard', 'schema_migration')"
    )
    for oid, table in tables:
        await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        for (check,) in await connection.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype = 'c'", oid
        ):
            await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{check}"')
        columns = await connection.fetch(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            " WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum", oid,
        )  # fmt: skip
        values = ", ".join(_value(name, kind) for name, kind in columns)
        await connection.execute(
            f"INSERT INTO {table} SELECT {values} FROM generate_series(1, {ROWS}) AS i ON CONFLICT DO NOTHING"
        )


def _value(name: str, kind: str) -> str:
    return _VALUES.get(f"{name} {kind}") or _VALUES.get(name) or _TYPES[kind]
