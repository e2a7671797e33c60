"""The import into real books: the service in this process, on a real PostgreSQL."""

import asyncio
import os
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from loyalty.importing.refused import RefusedFile
from loyalty.importing.run import StayImport, choose_mapping
from loyalty.importing.service_sink import ServiceSink
from loyalty.importing.summary import Summary
from loyalty.opening import open_service
from loyalty.settings import Settings

ROOT = Path(__file__).parents[2]
BOOKINGS = Path(
    os.environ.get("LOYALTY_TEST_BOOKINGS") or ROOT.parent / "shared" / "data" / "hotel_bookings.csv.gz"
)
HEADER = "source,property,stay_ref,member,status,arrival,departure,channel,currency,room\n"
BOOKS = """
SELECT m.number, m.enrolled_on, m.version, m.available, m.counters::jsonb::text, (
    SELECT coalesce(sum(lot.amount), 0)::bigint FROM lot WHERE lot.shard = m.shard AND lot.member_id = m.member_id
) AS earned
FROM member m ORDER BY m.number
"""


class Quiet:
    def begin(self, what: str, size: int) -> None: ...

    def at(self, rows: int, position: int) -> None: ...


def imported(dsn: str, path: Path, tmp_path: Path) -> Summary:
    async def run() -> Summary:
        async with open_service(Settings(data_dir=tmp_path), dsn) as service:
            with RefusedFile(tmp_path / "refused.csv") as refused:
                work = StayImport(path, choose_mapping(path, None), refused, Quiet(), lambda: False)
                await work.run(ServiceSink(service))
                return work.summary

    return asyncio.run(run())


def books(dsn: str) -> list[tuple[Any, ...]]:
    async def read() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(dsn)
        try:
            return [tuple(row) for row in await connection.fetch(BOOKS)]
        finally:
            await connection.close()

    return asyncio.run(read())


@pytest.mark.skipif(not BOOKINGS.exists(), reason=f"the bookings aren't at {BOOKINGS}")
def test_importing_the_real_bookings_twice_gives_the_same_books_as_once(
    database: str, tmp_path: Path
) -> None:
    first = imported(database, BOOKINGS, tmp_path)
    once = books(database)
    second = imported(database, BOOKINGS, tmp_path)

    assert once == books(database)
    assert (first.read, first.refused, first.enrolled) == (14_938, 0, 983)
    assert dict(first.rows) == {
        ("checked_out", "posted"): 6_938,
        ("cancelled", "recorded"): 7_793,
        ("no_show", "recorded"): 207,
    }
    assert (second.read, second.outcome("unchanged"), second.issued, second.enrolled) == (
        14_938,
        14_938,
        0,
        0,
    )
    assert first.awards == second.awards
    assert (
        first.issued
        == sum(row[-1] for row in once)
        == sum(award.points for award in first.awards.values())
        > 0
    )
    assert {channel for channel, why in first.awards if why == "earned"} == {"direct", "corporate"}


def test_what_the_service_refuses_becomes_refused_rows_and_the_rest_is_posted(
    database: str, tmp_path: Path
) -> None:
    path = tmp_path / "stays.csv"
    path.write_text(HEADER + "pms,SHA01,R-1,HX1,checked_out,2026-01-01,2026-01-02,direct,CNY,100.00\n")
    summary = imported(database, path, tmp_path)

    assert (summary.refused, dict(summary.refusals)) == (1, {"unknown_property": 1})
    assert "2,property,unknown_property," in (tmp_path / "refused.csv").read_text()
