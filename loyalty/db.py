"""Connections to PostgreSQL, and SQL kept in `.sql` files by name."""

import contextlib
import re
import socket
from collections.abc import Generator, Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection = asyncpg.Connection | PoolConnectionProxy
"""A connection of its own, or one that a pool has lent."""

SERVICE_ROLE: Final = "loyalty_service"
"""The role the service works as: it can't update, delete or truncate what the ledger has recorded."""

# The service only ever looks things up by key. A plan made while a table was empty must not go on reading all of it.
# Whatever scans for a living (verification, the benchmark's fixtures) does without.
_BY_KEY: Final = {
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "plan_cache_mode": "force_generic_plan",
}

_NAME: Final = re.compile(r"^--\s*name:\s*(\S+)\s*$", re.MULTILINE)
_PROPER_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_SECTION: Final = re.compile(r"^-- (?:section (\w+)|end of sections)\n", re.MULTILINE)
_PARAMETER: Final = re.compile(r"\$(\d+)")


class _ByKey(asyncpg.Connection):
    """A connection whose statements are planned anew whenever it has read twice as often as when they last were.

    Tables that were nearly empty then aren't by now. Most statements are written so that it makes no difference; a join
    that changes rows can't be: planned for few of them, it reads a shard.
    """

    _reads = 0

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        self._reads += 1
        if self._reads.bit_count() == 1:
            await self.execute("DISCARD PLANS")
        return await super().fetch(query, *args, **options)


class DatabaseUnreachableError(Exception):
    """The database can't be connected to; the message says which and why, without the password."""


class QueryFileError(Exception):
    """A file of named queries isn't written as it should be."""


async def connect(
    dsn: str,
    *,
    role: str | None = None,
    application_name: str = "loyalty",
    timeout: float = 30,
    statement_timeout_ms: int = 0,
    by_key: bool = False,
    send_buffer: int = 0,
) -> asyncpg.Connection:
    """Open one connection; `role` makes it act as that role from the start. No statement timeout unless given.

    `by_key` is for connections that only ever look things up by key: their plans are made once and hold for any size.
    `send_buffer` is how many bytes the kernel shall take at once of a large statement; how many it does is its own
    affair.
    """
    settings = _server_settings(role, application_name) | {"statement_timeout": str(statement_timeout_ms)}
    if by_key:
        settings |= _BY_KEY
    with _explained(dsn):
        connection = await asyncpg.connect(
            dsn,
            timeout=timeout,
            server_settings=settings,
            connection_class=_ByKey if by_key else asyncpg.Connection,
        )
    if send_buffer:
        _widen(connection, send_buffer)
    return connection


async def connect_pool(
    dsn: str,
    *,
    size: int = 8,
    role: str | None = SERVICE_ROLE,
    application_name: str = "loyalty",
    **options: Any,
) -> asyncpg.Pool:
    """Open a pool of at most `size` connections; JSON columns come and go as text, which msgspec reads fastest.

    Connections are handed on as they are: code that uses the pool leaves no session state behind, and the usual
    reset would cost a round trip for every use. An open transaction is still rolled back.
    """
    settings = _server_settings(role, application_name) | _BY_KEY
    with _explained(dsn):
        return await asyncpg.create_pool(
            dsn,
            connection_class=_ByKey,
            min_size=min(2, size),
            max_size=size,
            reset=_leave_as_it_is,
            server_settings=settings,
            **options,
        )


def load_queries(package: str, name: str = "queries.sql") -> Mapping[str, str]:
    """Read the queries of a package's `.sql` file: `-- name: insert_journal` starts one, comments below describe it.

    Raises QueryFileError when a name is taken, odd or without SQL, or when SQL stands before the first name.
    """
    return MappingProxyType(
        parse_queries(files(package).joinpath(name).read_text("utf-8"), f"{package}/{name}")
    )


def parse_queries(text: str, source: str) -> dict[str, str]:
    """Split the text of a file of named queries; `source` is for messages."""
    preamble, *parts = _NAME.split(text)
    if _without_leading_comments(preamble):
        raise QueryFileError(f"{source}: SQL before the first `-- name:`")
    queries: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        _check_name(name, queries, source)
        queries[name] = _without_leading_comments(body)
        if not queries[name]:
            raise QueryFileError(f"{source}: query `{name}` is empty")
    return queries


@lru_cache
def with_sections(sql: str, *names: str) -> str:
    """Return a query with some of its sections, the parameters numbered without gaps.

    `-- section keys` begins one; the next one ends it, or `-- end of sections`. PostgreSQL opens a table with all its
    indexes even for no row at all: what a batch has nothing for is left out.
    """
    head, *parts = _SECTION.split(sql)
    kept = [part for name, part in zip(parts[::2], parts[1::2], strict=True) if name is None or name in names]
    text = "".join([head, *kept])
    numbers = sorted({int(number) for number in _PARAMETER.findall(text)})
    return _PARAMETER.sub(lambda found: f"${numbers.index(int(found[1])) + 1}", text)


def _check_name(name: str, taken: Mapping[str, str], source: str) -> None:
    if not _PROPER_NAME.fullmatch(name):
        raise QueryFileError(f"{source}: `{name}` is no proper query name: use lower_snake_case")
    if name in taken:
        raise QueryFileError(f"{source}: two queries are named `{name}`")


def _without_leading_comments(sql: str) -> str:
    lines = sql.strip().splitlines()
    while lines and (not lines[0].strip() or lines[0].lstrip().startswith("--")):
        lines.pop(0)
    return "\n".join(lines).rstrip().removesuffix(";")


def _server_settings(role: str | None, application_name: str) -> dict[str, str]:
    # Compiling a query to machine code takes longer than any of ours runs.
    settings = {"application_name": application_name, "timezone": "UTC", "jit": "off"}
    return settings | {"role": role} if role else settings


def _widen(connection: asyncpg.Connection, size: int) -> None:
    """Let the kernel take more at once on a Unix socket; the buffers of TCP grow by themselves."""
    # asyncpg has no public way to its socket. Without one, or on another kind, all stays as it is.
    transport = getattr(connection, "_transport", None)
    found = transport and transport.get_extra_info("socket")
    if found and found.family == getattr(socket, "AF_UNIX", None):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size)


@contextlib.contextmanager
def _explained(dsn: str) -> Generator[None]:
    """Turn the many ways in which a connection fails into one that names the server."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        place = urlsplit(dsn)
        where = f"{place.hostname or parse_qs(place.query).get('host', ['the local server'])[0]}{place.path}"
        reason = str(error) or type(error).__name__
        raise DatabaseUnreachableError(f"can't connect to the database at {where}: {reason}") from error


async def _leave_as_it_is(_connection: object) -> None: ...
