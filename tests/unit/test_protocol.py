"""Responses leave in one write."""

import asyncio
from typing import Any

from loyalty.http.protocol import Gathering


class Recorder:
    """A transport that keeps what it is told."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str) -> str:
        return name


def gathering() -> tuple[Recorder, Any]:
    recorder = Recorder()
    return recorder, Gathering(recorder, asyncio.get_running_loop())  # pyright: ignore[reportArgumentType]


async def test_what_is_written_in_one_turn_leaves_together() -> None:
    recorder, transport = gathering()
    transport.write(b"head")
    transport.write(b"body")

    assert [] == recorder.written
    await asyncio.sleep(0)

    assert [b"headbody"] == recorder.written


async def test_a_later_turn_has_a_write_of_its_own() -> None:
    recorder, transport = gathering()
    for part in (b"one", b"two"):
        transport.write(part)
        await asyncio.sleep(0)

    assert [b"one", b"two"] == recorder.written


async def test_what_is_large_goes_at_once_behind_what_was_gathered() -> None:
    recorder, transport = gathering()
    large = bytes(100_000)
    transport.write(b"head")
    transport.write(large)
    transport.write(b"tail")

    assert [b"head", large] == recorder.written
    await asyncio.sleep(0)

    assert [b"head", large, b"tail"] == recorder.written


async def test_closing_leaves_nothing_behind() -> None:
    recorder, transport = gathering()
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)

    assert [b"last words"] == recorder.written
    assert transport.is_closing()


async def test_all_else_is_the_transports_own() -> None:
    _, transport = gathering()

    assert "peername" == transport.get_extra_info("peername")
