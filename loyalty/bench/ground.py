"""The ground that is measured on: one PostgreSQL server, and databases of the benchmark's own on it.

Without a configured database it is an embedded server with its defaults, in a directory that is removed afterwards.
With one, it is that server; nothing of the configured database itself is touched.
"""

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres
from loyalty.embedded.places import lock
from loyalty.settings import Settings

OURS: Final = "made by loyalty bench, may be dropped"


class GroundError(Exception):
    """There is no place to measure on; the message says why and what to do."""


class Ground:
    """A PostgreSQL server on which databases can be made, and a directory for files."""

    def __init__(self, dsn: str, directory: Path) -> None:
        """Take the address of a database that exists; ours get its name with something appended."""
        self.dsn = dsn
        self.directory = directory

    def dsn_of(self, suffix: str) -> str:
        """Return the address of one of our databases."""
        parts = urlsplit(self.dsn)
        return urlunsplit(parts._replace(path=f"/{self.name_of(suffix)}"))

    def name_of(self, suffix: str) -> str:
        """Return the name of one of our databases."""
        return f"{urlsplit(self.dsn).path.removeprefix('/') or 'loyalty'}_{suffix}"

    @contextlib.contextmanager
    def database(self, suffix: str) -> Generator[str]:
        """Make a database and give its address; drop it afterwards. One left over from a killed run is replaced."""
        name = self.name_of(suffix)
        asyncio.run(self._create(name))
        try:
            yield self.dsn_of(suffix)
        finally:
            asyncio.run(self._drop(name))

    async def _create(self, name: str) -> None:
        async with _connected(self.dsn) as connection:
            comment = await connection.fetchval(
                "SELECT coalesce(shobj_description(oid, 'pg_database'), '') FROM pg_database WHERE datname = $1",
                name,
            )
            if comment == OURS:
                await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            elif comment is not None:
                raise GroundError(
                    f"there is a database {name} that the benchmark didn't make; rename or drop it"
                )
            try:
                await connection.execute(f'CREATE DATABASE "{name}"')
            except asyncpg.InsufficientPrivilegeError as error:
                raise GroundError(f"the database user may not create the database {name} ({error})") from None
            await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{OURS}'")

    async def _drop(self, name: str) -> None:
        async with _connected(self.dsn) as connection:
            await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', timeout=600)


@contextlib.contextmanager
def open_ground(settings: Settings) -> Generator[Ground]:
    """Give the configured server, or an embedded one that lives as long as the measurement."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory = settings.data_dir / "bench"
    with contextlib.ExitStack() as stack:
        if lock(settings.data_dir / "bench.lock", stack) is None:
            raise GroundError(f"another benchmark is running in {settings.data_dir}")
        # What is left of a run that was killed.
        shutil.rmtree(directory, ignore_errors=True)
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        directory.mkdir(mode=0o700)
        if settings.database_url:
            yield Ground(settings.database_url, directory)
            return
        server = EmbeddedPostgres(directory, binaries=settings.postgres_bin, join=False)
        yield Ground(stack.enter_context(server).dsn, directory)


def peak_memory_mb(pid: int) -> float | None:
    """Return a process's peak resident memory in MB (2^20 bytes), as Linux counts it; None elsewhere."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("VmHWM:")]
    return int(found[0][1]) / 1024 if found else None


def processors() -> int:
    """Return how many processors this machine lets us use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # macOS
        return os.cpu_count() or 1


@contextlib.asynccontextmanager
async def _connected(dsn: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()
