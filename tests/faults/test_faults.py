"""What befalls a service: killed between commit and reply, its database torn away, told to stop, one of two."""

import itertools
import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from loyalty.embedded import open_database
from loyalty.http.auth import Role
from loyalty.serve import RunningService, running_service
from loyalty.settings import Settings
from tests.api import Api
from tests.faults.crowd import (
    STAY_POINTS,
    Sent,
    crowd,
    describe,
    differences,
    points_by_member,
    points_expected,
    requests,
    send,
    send_again,
    short_stay,
    wait_until,
)  # fmt: skip
from tests.noon import program_at_noon


@contextmanager
def service(
    data_dir: Path, *arguments: str, keys: dict[Role, str] | None = None, **env: str
) -> Iterator[tuple[Api, RunningService]]:
    with (
        running_service(data_dir, arguments=arguments, env=program_at_noon(data_dir) | env) as running,
        open_database(Settings(data_dir=data_dir)) as dsn,
        Api(running.url, dsn, running.log, keys) as api,
    ):
        if keys is None:
            api.add_hotels()
        yield api, running


def killed_and_sent_again(data_dir: Path, rounds: int) -> None:
    sent: list[Sent] = []
    keys, members = None, []
    for _ in range(rounds):
        with service(data_dir, keys=keys) as (api, running):
            keys = api.keys
            members = members or [api.member() for _ in range(24)]
            with crowd(api, members) as now:
                # Long enough that many are answered, on a slow machine, too.
                time.sleep(0.5)
                assert wait_until(lambda now=now: len(now) > 20)
                running.process.kill()
                running.process.wait()
            sent += now
    with service(data_dir, keys=keys) as (api, _):
        pairs = send_again(api, sent)
        answered = [(before, after) for before, after in pairs if before.status in {200, 201}]
        found = differences(api)

        assert len(answered) > 20, describe(pairs)
        assert any(before.status is None for before in sent), describe(pairs)
        assert {200, 201} >= {after.status for _, after in pairs}, describe(pairs)
        assert [] == [before for before, after in answered if before.body != after.body]
        assert {} == found
        assert points_expected(sent) == points_by_member(api)


def test_killed_between_commit_and_reply_nothing_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    killed_and_sent_again(tmp_path / "data", rounds=3)


@pytest.mark.nightly
def test_killed_a_dozen_times_nothing_is_lost_and_nothing_counts_twice(tmp_path: Path) -> None:
    killed_and_sent_again(tmp_path / "data", rounds=12)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, RunningService]]:
    with service(tmp_path_factory.mktemp("faults") / "data") as both:
        yield both


def backends(api: Api) -> list[int]:
    """Return the processes of the database that serve the service."""
    rows = api.sql(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    return [row[0] for row in rows]


def is_well(api: Api, sent: list[Sent]) -> None:
    """Everything was answered or can be sent again, and the service is ready again by itself."""
    statuses = {one.status for one in sent}

    assert wait_until(lambda: api.send("GET", "/health/ready", role=None).status_code == 200)
    assert statuses <= {200, 201, 503}
    assert {"1"} >= {json.loads(one.body).get("code", "1") for one in sent if one.status in {200, 201}}
    pairs = send_again(api, sent)
    assert {200, 201} >= {after.status for _, after in pairs}, describe(pairs)
    assert [] == [
        before for before, after in pairs if before.status in {200, 201} and before.body != after.body
    ]
    assert {} == differences(api)
    expected, now = points_expected(sent), points_by_member(api)
    assert expected == {member: now.get(member) for member in expected}


def test_connections_that_are_cut_again_and_again_are_replaced(running: tuple[Api, RunningService]) -> None:
    api, _ = running
    members = [api.member() for _ in range(24)]
    with crowd(api, members) as sent:
        for _ in range(4):
            time.sleep(0.12)
            api.sql("SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", backends(api))
        time.sleep(0.12)

    is_well(api, sent)


def test_a_database_that_crashes_and_recovers_takes_nothing_with_it(
    running: tuple[Api, RunningService],
) -> None:
    api, _ = running
    members = [api.member() for _ in range(24)]
    with crowd(api, members) as sent:
        time.sleep(0.3)
        # One backend dies by force: PostgreSQL ends all others, and recovers from its log.
        os.kill(backends(api)[0], signal.SIGKILL)
        time.sleep(1.5)

    is_well(api, sent)
    assert {503} <= {one.status for one in sent}


def sent_until_answered(api: Api, stay: dict[str, Any]) -> Any:
    """Send a stay again while the answer is 503, as a PMS does: the deadline is short, and the machine may be busy."""
    for _ in range(20):
        answer = api.post_stay(stay)
        if answer.status_code != 503:
            break
        time.sleep(0.1)
    return answer


def test_while_a_lock_is_held_requests_are_given_up_in_time_and_succeed_when_sent_again(
    tmp_path: Path,
) -> None:
    with service(tmp_path / "data", LOYALTY_DEADLINE_MS="200", LOYALTY_QUEUE_LIMIT="8") as (api, _):
        member = api.member()
        stays = [short_stay(api, member) for _ in range(30)]
        with ThreadPoolExecutor(30) as clients, locked(api, member):
            waiting = [clients.submit(api.post_stay, stay) for stay in stays]
            wait_until(lambda: sum(future.done() for future in waiting) >= 29, 15)
            early = [future.result() for future in waiting if future.done()]
        again = [sent_until_answered(api, stay) for stay in stays]

        # The one that waits in the database itself is given up too, a little later, unless the lock goes first:
        # then it is posted, and sending it again says so with a 200.
        assert len(early) in {29, 30}
        codes = {answer.json()["code"] for answer in early}
        assert (
            {"queue_full", "deadline_exceeded"} <= codes <= {"queue_full", "deadline_exceeded", "unavailable"}
        )
        assert {(503, "1")} == {(answer.status_code, answer.headers["retry-after"]) for answer in early}
        assert {201} <= {answer.status_code for answer in again} <= {200, 201}
        assert 30 * STAY_POINTS == api.get(f"/v1/members/{member}/balance").json()["available"]
        assert {} == differences(api)


@contextmanager
def locked(api: Api, member: str) -> Iterator[None]:
    """Hold a member's row, as a long transaction of somebody else would."""
    held, release = threading.Event(), threading.Event()

    def hold() -> None:
        async def use(connection: object) -> None:
            async with connection.transaction():
                await connection.execute("SELECT FROM member WHERE number = $1 FOR UPDATE", member)
                held.set()
                release.wait(20)

        api.with_database(use)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(10)
    try:
        yield
    finally:
        release.set()
        holder.join()


def test_told_to_stop_it_answers_all_that_it_has_taken(tmp_path: Path) -> None:
    with service(tmp_path / "data") as (api, process):
        members = [api.member() for _ in range(24)]
        with crowd(api, members) as sent:
            time.sleep(0.4)
            process.process.send_signal(signal.SIGTERM)
            stopped = process.process.wait(30)
        keys = api.keys
    with service(tmp_path / "data", keys=keys) as (api, _):
        taken = {one.request.key for one in sent if one.status == 201 and one.request.key}
        posted = {
            json.loads(one.body)["stay_id"] for one in sent if one.status == 201 and not one.request.key
        }
        stored_keys = {row[0] for row in api.sql("SELECT key FROM idempotency_key")}
        stored_stays = {f"sty_{row[0].hex}" for row in api.sql("SELECT stay_id FROM stay_directory")}

        assert 0 == stopped
        assert {None, 201, 503} >= {one.status for one in sent}
        assert {"shutting_down"} >= {json.loads(one.body)["code"] for one in sent if one.status == 503}
        assert posted == stored_stays
        assert taken == stored_keys & {one.request.key for one in sent}
        assert {} == differences(api)


# --- Two worker processes --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with service(tmp_path_factory.mktemp("two") / "data", "--workers", "2") as (api, _):
        yield api


def from_many_clients(
    api: Api, bodies: list[object], path: str = "/v1/stays", key: str = ""
) -> list[httpx.Response]:
    """Send each body by a client of its own, so that both processes get some."""

    def one(body: object) -> httpx.Response:
        headers = {"authorization": f"Bearer {api.keys[Role.OPERATOR]}", "idempotency-key": key or "-"}
        with httpx.Client(base_url=api.url, trust_env=False, timeout=30) as client:
            return client.post(path, json=body, headers=headers)

    with ThreadPoolExecutor(16) as clients:
        return list(clients.map(one, bodies))


def test_a_hotel_that_one_process_adds_or_changes_is_known_to_the_other_at_once(two_workers: Api) -> None:
    body = {"name": {"en": "A", "zh": "甲"}, "time_zone": "Asia/Shanghai", "currency": "CNY"}
    headers = {"authorization": f"Bearer {two_workers.keys[Role.OPERATOR]}"}
    member = two_workers.member()
    for number in range(5):
        code = f"NEW{number}"
        refused = from_many_clients(two_workers, [two_workers.stay(member, property=code)] * 4)
        for name in ("before", "after"):
            two_workers.send(
                "PUT", f"/v1/properties/{code}", body | {"code": code, "name": {"en": name, "zh": "甲"}}
            )
            shown = [
                httpx.get(f"{two_workers.url}/v1/properties/{code}", headers=headers, trust_env=False)
                for _ in range(8)
            ]
            assert {name} == {answer.json()["name"]["en"] for answer in shown}
        taken = from_many_clients(two_workers, [two_workers.stay(member, property=code) for _ in range(8)])

        assert {422} == {answer.status_code for answer in refused}
        assert {201} == {answer.status_code for answer in taken}


def test_two_processes_post_one_stay_once(two_workers: Api) -> None:
    stay = two_workers.stay(two_workers.member())
    answers = from_many_clients(two_workers, [stay] * 40)

    assert [200] * 39 + [201] == sorted(answer.status_code for answer in answers)
    assert 1 == len({answer.content for answer in answers})
    assert {} == differences(two_workers)


def test_two_processes_post_many_stays_of_one_member(two_workers: Api) -> None:
    member = two_workers.member()
    answers = from_many_clients(two_workers, [short_stay(two_workers, member) for _ in range(60)])

    assert {201} == {answer.status_code for answer in answers}
    assert 60 * STAY_POINTS == two_workers.get(f"/v1/members/{member}/balance").json()["available"]
    assert {} == differences(two_workers)


def test_two_processes_give_a_stay_to_one_of_two_members(two_workers: Api) -> None:
    for _ in range(5):
        ref = secrets.token_hex(8)
        stays = [two_workers.stay(two_workers.member(), stay_ref=ref) for _ in range(2)]
        answers = from_many_clients(two_workers, stays * 4)

        assert 1 == sum(answer.status_code == 201 for answer in answers)
        assert [200] * 3 + [201] + [409] * 4 == sorted(answer.status_code for answer in answers)
        assert {"stay_of_another_member"} == {it.json()["code"] for it in answers if it.status_code == 409}
    assert {} == differences(two_workers)


def test_two_processes_carry_out_a_key_once(two_workers: Api) -> None:
    member = two_workers.member()
    body = {"member": member, "points": 5, "reason": "goodwill"}
    answers = from_many_clients(two_workers, [body] * 30, "/v1/adjustments", secrets.token_hex(8))
    enrolled = from_many_clients(two_workers, [{}] * 30, "/v1/members", secrets.token_hex(8))

    assert {(201, answers[0].content)} == {(answer.status_code, answer.content) for answer in answers}
    assert {(201, enrolled[0].content)} == {(answer.status_code, answer.content) for answer in enrolled}
    assert 5 == two_workers.get(f"/v1/members/{member}/balance").json()["available"]


def test_two_processes_move_a_stay_back_and_forth_and_keep_the_books(two_workers: Api) -> None:
    members = [two_workers.member() for _ in range(3)]
    stay = two_workers.stay(members[0], revision=0)
    two_workers.post_stay(stay)
    revisions = [stay | {"member": members[n % 3], "revision": n} for n in range(1, 25)]
    answers = from_many_clients(two_workers, revisions)
    again = [two_workers.post_stay(one) for one in revisions if one["revision"] == 24]
    balances = [two_workers.get(f"/v1/members/{member}/balance").json()["available"] for member in members]

    assert {200, 503} >= {answer.status_code for answer in answers}
    assert [200] == [answer.status_code for answer in again]
    assert [1197, 0, 0] == balances
    assert {} == differences(two_workers)


def test_two_processes_that_lose_their_connections_recover(two_workers: Api) -> None:
    members = [two_workers.member() for _ in range(24)]
    with crowd(two_workers, members) as sent:
        for _ in range(3):
            time.sleep(0.12)
            two_workers.sql(
                "SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid", backends(two_workers)
            )
        time.sleep(0.2)

    is_well(two_workers, sent)


def test_a_client_that_hangs_up_does_not_stop_what_it_asked_for(running: tuple[Api, RunningService]) -> None:
    api, _ = running
    members = [api.member() for _ in range(8)]
    asked = list(itertools.islice(requests(api, members), 40))
    impatient = httpx.Timeout(30, read=0.002)
    with httpx.Client(base_url=api.url, trust_env=False, timeout=impatient) as client:
        sent = [send(api, client, request) for request in asked]

    is_well(api, [one._replace(status=one.status or 503, body=one.body or b"{}") for one in sent])
