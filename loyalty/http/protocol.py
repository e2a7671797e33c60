"""How responses leave: head and body in one write, where uvicorn makes two.

A write is a system call, and the kernel carries each over to the other side by itself: on a small response the second
one costs more than putting the two together.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["Gathering", "OneWriteProtocol"]

_LARGE: Final = 16 * 1024


class OneWriteProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, over a transport that gathers what is written."""

    def connection_made(self, transport: Any) -> None:
        """Take a new connection."""
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)  # pyright: ignore[reportAttributeAccessIssue] - stands in for it


class Gathering:
    """A transport that writes together what is written before the event loop has its next turn."""

    __slots__ = ("_loop", "_parts", "_transport")

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        """Stand before a transport."""
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Write soon; what is large at once, so that a reader who is slow can hold up whoever writes."""
        if len(data) >= _LARGE:
            self._flush()
            self._transport.write(data)
            return
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def is_closing(self) -> bool:
        """Tell whether the transport is closed or about to be."""
        return self._transport.is_closing()

    def close(self) -> None:
        """Write what has been gathered, then close."""
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        if self._parts:
            gathered = b"".join(self._parts)
            self._parts.clear()
            self._transport.write(gathered)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
