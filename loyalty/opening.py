"""Opens the service: what it is wired of, and the program that an empty database begins with."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final

import asyncpg

from loyalty import ids, metrics
from loyalty.clock import Clock, SystemClock
from loyalty.commands import versions
from loyalty.commands.batch import Batches
from loyalty.commands.rulebook import Rulebook
from loyalty.db import SERVICE_ROLE, connect, connect_pool
from loyalty.ledger.poster import Poster
from loyalty.members.vault import Vault
from loyalty.program import reading
from loyalty.program import store as program_store
from loyalty.program.model import HOUSE
from loyalty.rewarding import add_missing_vouchers
from loyalty.service import Service
from loyalty.settings import Settings
from loyalty.vouchers.codes import Codes

_BATCH_BYTES: Final = 1 << 20
"""What a full batch may take on its way to PostgreSQL: it goes in one piece, and Python turns to the next at once."""


@asynccontextmanager
async def open_service(
    settings: Settings, dsn: str, clock: Clock | None = None, rules: Rulebook | None = None
) -> AsyncGenerator[Service]:
    """Open the service on a migrated database; on leaving, what waits is run before the connections close.

    The program's versions are the database's; an empty one begins with the definition that the settings name. `rules`
    are used as they are instead.
    """
    clock = clock or SystemClock()
    key = settings.vault_key_bytes()
    mint = ids.minter()
    pool = await connect_pool(dsn, size=settings.pool_size, role=SERVICE_ROLE)
    try:
        batches = Batches(rules or await _know_rules(pool, settings, clock), clock, mint, Codes(key))
        shards = await pool.fetchval("SELECT count(*) FROM shard")
        poster = Poster(
            lambda: connect(
                dsn, role=SERVICE_ROLE, application_name="loyalty poster",
                statement_timeout_ms=settings.deadline_ms, by_key=True, send_buffer=_BATCH_BYTES,
            ), batches.run,
            shards=shards, queue_limit=settings.queue_limit, batch_limit=settings.batch_limit,
            deadline=settings.deadline_ms / 1000,
        )  # fmt: skip
        await poster.start()
        metrics.watch_pool(pool.get_size, pool.get_idle_size)
        service = Service(pool, poster, batches, Vault(key), clock, mint, key)
        try:
            await service.properties()
            await add_missing_vouchers(service)
            yield service
        finally:
            await poster.stop()
    finally:
        await pool.close()


async def _know_rules(pool: asyncpg.Pool, settings: Settings, clock: Clock) -> Rulebook:
    """Return the rules in the database; in an empty one, first publish the definition that the settings name."""
    async with pool.acquire() as connection:
        _, found = await program_store.read_versions(connection)
        if not found:
            await versions.begin(connection, _first_definition(settings), "settings", clock.now())
        return await versions.load(connection)


def _first_definition(settings: Settings) -> str:
    """Return the text of the definition to begin with; raise ProgramError when it can't hold."""
    path = settings.program or HOUSE
    reading.read(path)
    return path.read_text(encoding="utf-8")
