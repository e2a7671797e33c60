"""Connections to PostgreSQL as the service opens them."""

import socket
import sys

import pytest

from loyalty.db import connect


async def _send_buffer(dsn: str, asked: int) -> int:
    connection = await connect(dsn, send_buffer=asked)
    try:
        found = connection._transport.get_extra_info("socket")
        if found.family != socket.AF_UNIX:
            pytest.skip("the database is reached over TCP, whose buffers grow by themselves")
        return found.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    finally:
        await connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no Unix sockets")
async def test_the_kernel_takes_as_much_at_once_as_it_is_asked_to(database: str) -> None:
    small, large = await _send_buffer(database, 40_000), await _send_buffer(database, 80_000)

    # Linux gives twice what it is asked for, as it counts its own needs in.
    assert 40_000 <= small < large
    assert 80_000 <= large


async def test_statements_are_planned_anew_as_tables_grow(database: str) -> None:
    connection = await connect(database, by_key=True)
    try:
        await connection.execute("ANALYZE lot")
        statement = await connection.prepare(
            "UPDATE lot AS l SET remaining = 0 FROM unnest($1::uuid[]) AS w (id) WHERE l.shard = 1 AND l.lot_id = w.id"
        )
        explain = f"EXPLAIN EXECUTE {statement.get_name()} (NULL)"
        empty = str(await connection.fetch(explain))
        await connection.execute(
            "INSERT INTO lot (shard, lot_id, member_id, amount, remaining, earned_on)"
            " SELECT 1, md5(i::text)::uuid, md5(i::text)::uuid, 1, 1, '2026-01-01' FROM generate_series(1, 10000) AS i"
        )
        # Read four times, it has read twice as often as when there were none.
        full = [str(await connection.fetch(explain)) for _ in range(3)][-1]
    finally:
        await connection.close()

    assert "lot_id = w.id))" not in empty
    assert "lot_id = w.id))" in full
