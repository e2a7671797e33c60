import asyncio
import datetime as dt
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from loyalty.bench import fixtures, population
from loyalty.bench.measure import TARGETS
from loyalty.bench.population import Group
from loyalty.commands.stay_reply import StayReply
from loyalty.db import connect
from loyalty.ledger.leaf import leaf
from loyalty.ledger.model import Journal, Transfer
from loyalty.stays.model import Award, StayPosting
from tests.faults.crowd import wait_until

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
GROUPS = [Group("crowd", 1, 30, 0), Group("crowd", 31, 20, 12), Group("long", 51, 3, 25)]


def fill(dsn: str) -> None:
    asyncio.run(fixtures.fill(dsn, GROUPS, properties=["BENCH0"], now=NOW))


def fetch(dsn: str, query: str) -> list[dict[str, Any]]:
    async def run() -> list[dict[str, Any]]:
        connection = await connect(dsn)
        try:
            return [dict(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(run())


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_filled_database_has_the_journals_of_its_population_and_no_workbench(database: str) -> None:
    fill(database)

    counted = fetch(
        database,
        "SELECT (SELECT count(*) FROM journal) AS journals, (SELECT count(*) FROM unsealed) AS leaves,"
        " (SELECT count(*) FROM stay_directory) AS stays, to_regnamespace('bench') IS NULL AS clean",
    )

    journals = sum(group.journals for group in GROUPS)
    assert [{"journals": journals, "leaves": journals, "stays": 20 * 12 + 3 * 25, "clean": True}] == counted


def test_a_filled_database_has_balanced_books(database: str) -> None:
    fill(database)

    wrong = fetch(
        database,
        """
        SELECT m.number FROM member AS m
        JOIN LATERAL (SELECT count(*) AS journals, max(version) AS last, max(balance) AS balance FROM journal AS j
                      WHERE j.shard = m.shard AND j.member_id = m.member_id) AS j ON true
        JOIN LATERAL (SELECT coalesce(sum(remaining), 0) AS points, min(expires_on) AS first FROM lot AS l
                      WHERE l.shard = m.shard AND l.member_id = m.member_id) AS l ON true
        JOIN LATERAL (SELECT coalesce(sum(t.amount) FILTER (WHERE t.credit = 'available'), 0) AS points,
                             coalesce(sum(t.amount) FILTER (WHERE t.unit = 'nights'), 0) AS nights
                      FROM journal AS j JOIN transfer AS t USING (shard, journal_id)
                      WHERE j.shard = m.shard AND j.member_id = m.member_id) AS t ON true
        JOIN LATERAL (SELECT coalesce(sum((value ->> 'nights')::bigint), 0) AS nights
                      FROM json_each(m.counters)) AS c ON true
        WHERE (m.version, m.version) <> (j.journals, j.last)
           OR (m.available, m.available, m.available) <> (j.balance, l.points, t.points)
           OR m.next_expiry IS DISTINCT FROM l.first OR c.nights <> t.nights
        """,
    )
    issued = fetch(
        database, "SELECT unit, amount FROM account_balance WHERE account = 'issued' ORDER BY unit"
    )

    stays = 20 * 12 + 3 * 25
    assert not wrong
    assert [
        ("nights", -20 * stays),
        ("points", -1411 * stays),
        ("spend", -141_100 * stays),
        ("stays", -stays),
    ] == [(row["unit"], row["amount"]) for row in issued]


def test_filled_stays_read_like_those_of_the_service(database: str) -> None:
    fill(database)

    rows = fetch(database, "SELECT snapshot, award, reply FROM stay_revision")

    for row in rows:
        posting = msgspec.json.decode(row["snapshot"], type=StayPosting)
        award = msgspec.json.decode(row["award"], type=Award)
        reply = msgspec.json.decode(row["reply"], type=StayReply)
        assert posting.departure == award.effective_on
        assert award.base == reply.change == 1411


def test_leaf_hashes_of_filled_journals_are_those_of_the_service(database: str) -> None:
    fill(database)
    transfers: dict[Any, list[Transfer]] = {}
    for row in fetch(database, "SELECT * FROM transfer ORDER BY shard, journal_id, line"):
        shard = row.pop("shard")
        transfers.setdefault((shard, row["journal_id"]), []).append(Transfer(**row))

    for row in fetch(database, "SELECT * FROM journal JOIN unsealed USING (shard, journal_id)"):
        shard, found = row.pop("shard"), row.pop("leaf")
        del row["recorded_at"]
        journal = Journal(**row)
        assert leaf(shard, journal, transfers.get((shard, journal.journal_id), [])) == found


def test_every_tenth_stay_of_a_filled_history_has_its_milestone(database: str) -> None:
    fill(database)

    found = fetch(
        database,
        "SELECT g.ordinal, j.version FROM milestone_grant AS g JOIN journal AS j USING (shard, journal_id)",
    )

    assert len(found) == 20 * 1 + 3 * 2
    assert all(row["version"] == 10 * row["ordinal"] + 1 for row in found)


def test_member_ids_of_a_filled_database_are_where_the_reads_look_for_them(database: str) -> None:
    fill(database)
    (shards,) = fetch(database, "SELECT count(*) AS n FROM shard")

    rows = fetch(database, "SELECT number, member_id, shard FROM member ORDER BY number")

    enrolled = population.enrolment(NOW)
    expected = [
        population.member_row(index, group.stays, shards["n"], enrolled)
        for group in GROUPS
        for index in group.indexes
    ]
    assert [(shard, member_id, number) for _, shard, member_id, number, _ in expected] == [
        (row["shard"], row["member_id"], row["number"]) for row in rows
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a process's life to its parent's")
def test_the_yardstick_ends_with_a_benchmark_that_is_killed() -> None:
    code = """
import time
from loyalty.bench.bare import running_bare
with running_bare() as url:
    print(url, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        port = int(benchmark.stdout.readline().rpartition(":")[2])
        benchmark.kill()

    assert wait_until(lambda: not listens(port))


@pytest.mark.nightly
def test_a_quick_benchmark_gives_every_figure_in_order_and_leaves_nothing_behind(tmp_path: Path) -> None:
    chart = tmp_path / "bench.svg"
    data_dir = tmp_path / "data"
    command = [sys.executable, "-m", "loyalty", "bench", "--quick", "--json", "--svg", str(chart)]

    done = subprocess.run(
        command,
        env=os.environ | {"LOYALTY_DATA_DIR": str(data_dir)},
        capture_output=True,
        text=True,
        timeout=900,  # two minutes, and as many times that as others want of the machine
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    keys = [target.key for target in TARGETS]
    assert keys == list(found)[: len(keys)]
    assert all(found[key] > 0 for key in keys[:-1])
    assert keys == list(found["reached"])
    assert ET.fromstring(chart.read_text("utf-8")).tag.endswith("svg")  # noqa: S314  (we drew it)
    assert not (data_dir / "bench").exists()
