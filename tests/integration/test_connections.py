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
