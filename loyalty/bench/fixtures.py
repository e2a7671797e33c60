"""Fills a migrated, empty database with a population, its histories and books, in portions that show progress."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from loyalty.bench import population
from loyalty.bench.population import Group
from loyalty.db import connect, load_queries
from loyalty.opening import open_service
from loyalty.program import store
from loyalty.settings import Settings
from loyalty.worker import review_tiers

QUERIES: Final = load_queries("loyalty.bench", "fixtures.sql")
PORTION: Final = 100_000
"""Stays per statement: large enough to be quick, small enough to show progress."""

# Two connections share the work; each table belongs to one, so neither waits for the other's pages.
LANES: Final = (
    ("insert_stay_journals", "insert_stay_lots", "insert_stay_directory", "insert_milestones"),
    ("insert_stay_transfers", "insert_stay_leaves", "insert_stay_revisions"),
)
WORKBENCH: Final = (
    "create_workbench",
    "create_members",
    "create_text",
    "create_day",
    "create_parts",
    "create_moments",
    "create_entries",
)
Progress = Callable[[int], None]


async def fill(
    dsn: str,
    groups: Sequence[Group],
    *,
    properties: Iterable[str],
    now: dt.datetime,
    progress: Progress = lambda _: None,
) -> None:
    """Write all groups; `progress` is told of journals written. Ends vacuumed, analysed and checkpointed."""
    enrolled = population.enrolment(now)
    connection = await connect(dsn)
    try:
        await _lay_out(connection, groups, properties, enrolled)
        await asyncio.gather(*(_write_histories(dsn, lane, groups, progress) for lane in LANES))
        await connection.execute(QUERIES["insert_account_deltas"])
        await connection.execute(QUERIES["drop_workbench"])
        await settle(connection)
    finally:
        await connection.close()


async def review(dsn: str, program: Path, data_dir: Path) -> None:
    """Put a program in force and have the nightly job look at every member, as it has where the program is in use."""
    settings = Settings(program=program, data_dir=data_dir)
    async with open_service(settings, dsn) as service:
        async with service.pool.acquire() as connection:
            await store.review_all(connection, service.rules.by_day)
        await review_tiers(service)
    connection = await connect(dsn)
    try:
        await settle(connection)
    finally:
        await connection.close()


async def settle(connection: asyncpg.Connection) -> None:
    """Leave nothing to do later that would fall into a measurement."""
    await connection.execute("VACUUM (ANALYZE)", timeout=1800)
    try:
        await connection.execute("CHECKPOINT", timeout=1800)
    except asyncpg.InsufficientPrivilegeError:
        return  # a database that we don't own: it checkpoints when it wants


async def _lay_out(
    connection: asyncpg.Connection, groups: Sequence[Group], properties: Iterable[str], enrolled: dt.datetime
) -> None:
    """Write the members, their enrolments and the hotels."""
    for name in WORKBENCH:
        await connection.execute(QUERIES[name])
    shards: int = await connection.fetchval("SELECT count(*) FROM shard")
    await connection.copy_records_to_table(
        "member",
        schema_name="bench",
        columns=["idx", "shard", "member_id", "number", "stays"],
        records=_rows(groups, shards, enrolled),
        timeout=600,
    )
    kinds = sorted({group.stays for group in groups})
    for stays in kinds:
        await connection.execute(
            QUERIES["insert_moments"], stays, enrolled, population.step(stays), population.BEFORE_FIRST_STAY
        )
    for name in ("index_members", "analyze_members"):
        await connection.execute(QUERIES[name])
    for stays in kinds:
        await _enrol(connection, stays, enrolled)
    await connection.executemany(QUERIES["insert_property"], [(code,) for code in properties])


def _rows(groups: Sequence[Group], shards: int, enrolled: dt.datetime) -> Iterator[tuple[object, ...]]:
    for group in groups:
        for index in group.indexes:
            yield population.member_row(index, group.stays, shards, enrolled)


async def _enrol(connection: asyncpg.Connection, stays: int, enrolled: dt.datetime) -> None:
    counted = msgspec.json.encode(population.counters(stays, enrolled)).decode()
    expiry = await connection.fetchval(
        "SELECT ($1::date + interval '24 months')::date", population.ended_on(1, stays, enrolled)
    )
    await connection.execute(
        QUERIES["insert_members"], stays, counted, enrolled, expiry if stays else None, timeout=600
    )
    for name in ("insert_enrolments", "insert_enrolment_leaves"):
        await connection.execute(QUERIES[name], stays, timeout=600)


async def _write_histories(
    dsn: str, lane: Sequence[str], groups: Sequence[Group], progress: Progress
) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute("SET synchronous_commit = off")
        for stays, first, last, members in portions(groups):
            for name in lane:
                await connection.execute(QUERIES[name], stays, first, last, timeout=1800)
            progress((last - first + 1) * members // len(LANES))
    finally:
        await connection.close()


def portions(groups: Sequence[Group]) -> Iterator[tuple[int, int, int, int]]:
    """Cut the histories into (stays of the group, first stay, last stay, members) of about `PORTION` stays."""
    by_stays = sorted(groups, key=lambda group: group.stays)
    for stays, alike in groupby(by_stays, key=lambda group: group.stays):
        members = sum(group.members for group in alike)
        at_once = max(1, PORTION // members)
        for first in range(1, stays + 1, at_once):
            yield stays, first, min(stays, first + at_once - 1), members
