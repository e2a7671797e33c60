"""The demo's two years simulated: exactly the live books under the live rules, and what changes under others."""

import asyncio
import csv
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from loyalty.cli import main
from loyalty.commands import versions
from loyalty.commands.rulebook import Rulebook
from loyalty.db import SERVICE_ROLE, connect
from loyalty.demo.bonds import made_up_bonds
from loyalty.demo.history import made_up_history
from loyalty.demo.partners import NAMES
from loyalty.demo.play import Site, on_stage, play
from loyalty.demo.words import in_language
from loyalty.embedded import EmbeddedPostgres
from loyalty.http.auth import Role
from loyalty.program.model import HOUSE
from loyalty.program.reading import read
from loyalty.serve import running_service
from loyalty.simulate import apart
from loyalty.simulate.model import Ask, SimulationError
from loyalty.simulate.run import Simulation
from loyalty.simulate.worlds import Worlds
from tests.api import Api
from tests.conftest import run_sql
from tests.simulated import on_file, seen, simulated

VAULT_KEY = "k" * 42 + "A"
UNTIL = date(2026, 6, 30)
TEXT = HOUSE.read_text(encoding="utf-8")
NEW = (
    TEXT.replace("version = 1\n", 'version = 2\npoint_value = "0.01"\n')
    .replace('room = "1"', 'room = "2"')
    .replace('reach = { nights = "10", spend = "10000" }', 'reach = { nights = "6", spend = "8000" }')
)


@pytest.fixture(scope="module")
def api(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """A service with a small demo's history in it."""
    run_sql(postgres.dsn, f"CREATE DATABASE simulated TEMPLATE {migrated_template}")
    dsn = postgres.dsn_of("simulated")
    environment = {"LOYALTY_DATABASE_URL": dsn, "LOYALTY_VAULT_KEY": VAULT_KEY}
    with (
        running_service(tmp_path_factory.mktemp("simulated"), env=environment) as running,
        Api(running.url, dsn, running.log) as api,
        on_stage(Console(file=StringIO()), in_language("en")) as stage,
    ):
        history = made_up_history(1, 400, UNTIL)
        keys = api.keys[Role.OPERATOR], api.new_key(Role.OPERATOR), api.keys[Role.BOOKING]
        partners = {code: api.new_key(Role.PARTNER, partner=code) for code in NAMES}
        site = Site(running.url, *keys, partners, 1, partial(asyncio.sleep, 0))
        asyncio.run(play(site, history, made_up_bonds(1, history), stage))
        yield api


@pytest.fixture
def new_file(tmp_path: Path) -> Path:
    path = tmp_path / "new.toml"
    path.write_text(NEW, "utf-8")
    return path


def run(api: Api, *arguments: object) -> Result:
    environment = {"LOYALTY_DATABASE_URL": api.dsn, "LOYALTY_VAULT_KEY": VAULT_KEY}
    return CliRunner().invoke(main, ["program", "simulate", *map(str, arguments)], env=environment)


def plain(done: Result) -> str:
    """Return what a failure says, without the box around it and the ends of its lines."""
    return "".join(line.strip(" │╭╮╰╯─") for line in done.stderr.splitlines())


def asked(api: Api, **body: Any) -> Any:
    return api.post("/v1/programs/simulate", {"from": "1970-01-01"} | body)


# --- what comes out ---------------------------------------------------------------------------------------------------


def test_the_live_rules_simulated_give_the_live_books_of_the_demo(api: Api) -> None:
    now = datetime.now(UTC)
    outcome, pairs = asyncio.run(simulated(api.dsn, Ask(read(HOUSE), versions.BEGINNING), now))
    books, awards = asyncio.run(on_file(api.dsn))
    points = sum(award.points for several in awards.values() for award in several)
    told = {row[0]: row[1] for row in api.sql("SELECT member_id, tier FROM member WHERE tier <> ''")}
    house = Rulebook(read(HOUSE))

    assert books == {member_id: seen(pair.new) for member_id, pair in pairs.items()}
    assert points == outcome.summary.totals.live.points == outcome.summary.totals.new.points > 100_000
    assert told == {
        member_id: house.tiers.on(pairs[member_id].new.member, house.today(now)).code for member_id in told
    }
    assert [] == outcome.summary.moves
    assert outcome.summary.totals.live == outcome.summary.totals.new
    # Some of the demo's stays have moved from one guest to another.
    [[moved]] = api.sql("SELECT count(*) FROM stay_revision WHERE outcome = 'moved'")
    assert moved > 0


def test_nothing_in_the_database_changes(api: Api, new_file: Path) -> None:
    before = api.books("api_key")
    done = run(api, new_file)

    assert (0, before) == (done.exit_code, api.books("api_key"))


async def test_a_simulation_can_write_nothing(api: Api) -> None:
    class Meddling(Simulation):
        async def _replay(self, worlds: Worlds) -> None:
            assert worlds.members == 0
            await self._connection.execute("UPDATE member SET number = number || '!'")

    connection = await connect(api.dsn, role=SERVICE_ROLE)
    try:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await Meddling(connection, Ask(read(HOUSE), versions.BEGINNING), datetime.now(UTC)).run()
    finally:
        await connection.close()


# --- at the terminal --------------------------------------------------------------------------------------------------


def test_tables_files_and_json_tell_the_same(api: Api, new_file: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("chart.svg", "sums.csv", "members.csv")}
    told = run(
        api, new_file, "--from", "2025-01-01", "--svg", files["chart.svg"], "--csv", files["sums.csv"], "--members",
        files["members.csv"],
    )  # fmt: skip
    found = json.loads(run(api, new_file, "--from", "2025-01-01", "--json").stdout)
    sums = list(csv.DictReader(StringIO(files["sums.csv"].read_text("utf-8"))))
    moved = list(csv.DictReader(StringIO(files["members.csv"].read_text("utf-8"))))
    totals = found["totals"]

    assert ("", 0) == (told.stderr, told.exit_code)
    assert f"{totals['new']['points']:,}" in told.stdout
    assert totals["live"]["points"] < totals["new"]["points"] < 2 * totals["live"]["points"] + 1
    assert totals["new"]["cost"] == f"{totals['new']['points'] // 100}.{totals['new']['points'] % 100:02}"
    for by, rows in (("month", found["months"]), ("property", found["properties"])):
        assert [(row["key"], str(row["new"]["points"])) for row in rows] == [
            (row["key"], row["new_points"]) for row in sums if row["by"] == by
        ]
        assert totals["new"]["points"] == sum(row["new"]["points"] for row in rows)
    assert "2025-01" == found["months"][0]["key"]
    assert sum(one["members"] for one in found["moves"]) == len(moved) > 0
    assert {"up"} == {one["direction"] for one in moved}
    assert all(row["member_id"].startswith("mem_") for row in moved)
    assert files["chart.svg"].read_text("utf-8").startswith("<svg")


def test_later_check_outs_can_be_left_out(api: Api, new_file: Path) -> None:
    found = json.loads(run(api, new_file, "--from", "2025-01-01", "--until", "2025-03-31", "--json").stdout)

    assert ["2025-01", "2025-02", "2025-03"] == [one["key"] for one in found["months"]]
    assert ("2025-03-31", "2025-03-31") == (found["last"], found["as_of"])


def test_what_cannot_be_simulated_is_told_to_people(api: Api, tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text(
        NEW.replace("bonus_percent = 20", "bonus_pct = 20").replace('every = "10"', 'every = "0"'), "utf-8"
    )
    told = plain(run(api, bad))

    assert "bonus_pct" in told
    assert "CNY" in plain(run(api, "hilton"))
    assert "There is no version 9." in plain(run(api, "9"))
    assert "no-such-file.toml" in plain(run(api, tmp_path / "no-such-file.toml"))
    assert "before the first one" in plain(run(api, "1", "--from", "2026-01-02", "--until", "2026-01-01"))
    assert "No such file" in plain(run(api, "1", "--csv", tmp_path / "no" / "folder.csv"))


def test_a_version_of_the_database_is_simulated_by_its_number(api: Api) -> None:
    found = json.loads(run(api, "1", "--json").stdout)

    assert ("house@1", "house@1", found["totals"]["live"]) == (
        found["live"],
        found["new"],
        found["totals"]["new"],
    )


@pytest.mark.parametrize("publish", [False, True])
def test_an_empty_database_has_nothing_to_simulate(database: str, *, publish: bool) -> None:
    async def work() -> None:
        connection = await connect(database)
        try:
            if publish:
                await versions.begin(connection, TEXT, "test", datetime.now(UTC))
            await Simulation(connection, Ask(read(HOUSE), versions.BEGINNING), datetime.now(UTC)).run()
        finally:
            await connection.close()

    with pytest.raises(SimulationError) as caught:
        asyncio.run(work())

    assert "nothing_to_simulate" == caught.value.code


# --- over HTTP --------------------------------------------------------------------------------------------------------


def test_the_api_answers_what_the_terminal_prints(api: Api, new_file: Path) -> None:
    answer = asked(api, definition=NEW, until="2026-03-31")
    printed = json.loads(run(api, new_file, "--until", "2026-03-31", "--json").stdout)

    assert (200, printed) == (answer.status_code, answer.json())
    assert asked(api, version=1).json()["totals"]["live"] == asked(api, version=1).json()["totals"]["new"]


def test_the_api_refuses_what_cannot_be_simulated(api: Api) -> None:
    bad = asked(api, definition=NEW.replace("bonus_percent", "bonus_pct")).json()
    other = asked(
        api, definition=TEXT.replace('currency = "CNY"', 'currency = "USD"').replace("USD = ", "CNY = ")
    ).json()

    assert ("invalid_program", "/definition") == (bad["code"], bad["errors"][0]["pointer"])
    assert "bonus_pct" in bad["detail"]
    [wrong] = other["errors"]
    assert ("invalid_value", "/definition", "currency") == (other["code"], wrong["pointer"], wrong["key"])
    assert (404, "unknown_version") == ((told := asked(api, version=9)).status_code, told.json()["code"])
    assert (422, "invalid_value") == ((told := asked(api)).status_code, told.json()["code"])
    assert "/until" == asked(api, version=1, until="1969-12-31").json()["errors"][0]["pointer"]
    assert (
        403
        == api.post("/v1/programs/simulate", {"from": "1970-01-01", "version": 1}, Role.BOOKING).status_code
    )


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ({"from": "2199-01-01"}, "from 2199-01-01 on."),
        ({"from": "9999-12-31"}, "from 9999-12-31 on."),
        ({"from": "1990-01-01", "until": "1990-12-31"}, "from 1990-01-01 to 1990-12-31."),
    ],
)
def test_days_on_which_no_stay_ends_are_nothing_to_simulate(
    api: Api, days: dict[str, str], told: str
) -> None:
    answer = asked(api, version=1, **days)

    assert (422, "nothing_to_simulate") == (answer.status_code, answer.json()["code"])
    assert f"No stay on file ends {told}" == answer.json()["detail"]


def test_one_simulation_runs_at_a_time(api: Api) -> None:
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda _: asked(api, version=1), range(4)))
    refused = [answer for answer in answers if answer.status_code != 200]

    assert 1 <= len(refused) < 4
    assert {(409, "simulation_running", "10")} == {
        (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) for answer in refused
    }
    assert 200 == asked(api, version=1).status_code


async def test_processes_of_several_workers_take_turns_too(api: Api) -> None:
    connection = await connect(api.dsn)
    other = await connect(api.dsn)
    ask = Ask(read(HOUSE), versions.BEGINNING)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock(hashtext('loyalty simulate'))")
            with pytest.raises(SimulationError) as caught:
                await Simulation(other, ask, datetime.now(UTC)).run(alone=True)
        await Simulation(other, ask, datetime.now(UTC)).run(alone=True)
    finally:
        await connection.close()
        await other.close()

    assert "simulation_running" == caught.value.code


async def test_a_simulation_that_takes_too_long_is_ended(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOYALTY_DATABASE_URL", api.dsn)
    monkeypatch.setenv("LOYALTY_VAULT_KEY", VAULT_KEY)
    request = apart.Request(versions.BEGINNING, version=1)
    with pytest.raises(apart.Problem) as caught:
        await apart.simulate_apart(request, seconds=0.01)
    found = await apart.simulate_apart(request)

    assert "deadline_exceeded" == caught.value.code
    assert found.totals.live == found.totals.new
