"""Many clients at once that never stop for a failure, and remember what they were answered."""

import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx

from loyalty.http.auth import Role
from tests.api import Api

STAY_POINTS = 3
ADJUSTMENT_POINTS = 7


class Request(NamedTuple):
    """A request that can be sent again: a stay, or under a key an adjustment or an enrolment."""

    path: str
    body: bytes
    key: str | None
    member: str
    points: int


class Sent(NamedTuple):
    """A request and what came of it: the answer, or None when the connection broke first."""

    request: Request
    status: int | None
    body: bytes


def short_stay(api: Api, member: str, **changes: Any) -> dict[str, Any]:
    """Return a stay so cheap and short that no number of them changes a tier: each earns STAY_POINTS."""
    day = str(api.today)
    lines = [{"category": "room", "amount": f"{STAY_POINTS}.00"}]
    return api.stay(member, **({"arrival": day, "departure": day, "lines": lines} | changes))


def requests(api: Api, members: list[str]) -> Iterator[Request]:
    """Return endless requests: mostly stays, now and then an adjustment or an enrolment."""
    while True:
        for place, member in enumerate(members):
            if place % 8 == 3:
                body = {"member": member, "points": ADJUSTMENT_POINTS, "reason": "goodwill"}
                yield Request(
                    "/v1/adjustments",
                    json.dumps(body).encode(),
                    secrets.token_hex(8),
                    member,
                    ADJUSTMENT_POINTS,
                )
            elif place % 8 == 5:
                yield Request("/v1/members", b"{}", secrets.token_hex(8), "", 0)
            else:
                stay = short_stay(api, member, stay_ref=secrets.token_hex(8))
                yield Request("/v1/stays", json.dumps(stay).encode(), None, member, STAY_POINTS)


def send(api: Api, client: httpx.Client, request: Request) -> Sent:
    headers = {"authorization": f"Bearer {api.keys[Role.OPERATOR]}", "content-type": "application/json"}
    if request.key:
        headers["idempotency-key"] = request.key
    try:
        answer = client.post(request.path, content=request.body, headers=headers)
    except httpx.TransportError:
        return Sent(request, None, b"")
    return Sent(request, answer.status_code, answer.content)


@contextmanager
def crowd(api: Api, members: list[str], clients: int = 12) -> Iterator[list[Sent]]:
    """Post from many threads for as long as the context lasts; what they sent is complete at its end."""
    sent: list[Sent] = []
    source, lock, stop = requests(api, members), threading.Lock(), threading.Event()

    def work() -> None:
        with httpx.Client(base_url=api.url, trust_env=False, timeout=30) as client:
            while not stop.is_set():
                with lock:
                    request = next(source)
                one = send(api, client, request)
                sent.append(one)
                if one.status is None:
                    stop.wait(0.02)  # a client that is refused comes back, but not at once

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield sent
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def send_again(api: Api, sent: list[Sent]) -> list[tuple[Sent, Sent]]:
    """Send everything again, by one client, and return each with what was answered before."""
    with httpx.Client(base_url=api.url, trust_env=False, timeout=30) as client:
        return [(before, send(api, client, before.request)) for before in sent]


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds / 0.02)):
        if condition():
            return True
        pause.wait(0.02)
    return False


# --- What must hold whatever happened --------------------------------------------------------------------------------

_ANY_DIFFERENCE = {
    "a member's points are the sum of its transfers": """
        SELECT m.number FROM member AS m LEFT JOIN LATERAL (
            SELECT sum(CASE WHEN t.credit = 'available' THEN t.amount ELSE 0 END
                       - CASE WHEN t.debit = 'available' THEN t.amount ELSE 0 END) AS points
            FROM journal AS j JOIN transfer AS t USING (shard, journal_id)
            WHERE j.member_id = m.member_id AND t.unit = 'points') AS s ON true
        WHERE m.available <> coalesce(s.points, 0)""",
    "a member's points are what is left of its lots, less debt": """
        SELECT m.number FROM member AS m LEFT JOIN LATERAL (
            SELECT sum(remaining) AS points FROM lot AS l WHERE l.member_id = m.member_id) AS s ON true
        WHERE m.available + m.debt <> coalesce(s.points, 0)""",
    "versions are dense, and the last one is the member's": """
        SELECT m.number FROM member AS m JOIN journal AS j USING (shard, member_id)
        GROUP BY m.number, m.version HAVING count(*) <> m.version OR max(j.version) <> m.version""",
    "the program's accounts mirror the members'": """
        SELECT t.unit FROM transfer AS t GROUP BY t.unit
        HAVING sum(CASE WHEN t.credit NOT IN ('available', 'counted') THEN t.amount ELSE 0 END
                   - CASE WHEN t.debit NOT IN ('available', 'counted') THEN t.amount ELSE 0 END)
            <> (SELECT sum(amount) FROM account_balance AS b WHERE b.unit = t.unit)""",
    "a stay was posted once": """
        SELECT stay_id::text FROM journal WHERE kind = 'stay_posted' GROUP BY stay_id HAVING count(*) > 1""",
    "every stay is in the directory": """
        SELECT stay_id::text FROM stay_revision WHERE stay_id NOT IN (SELECT stay_id FROM stay_directory)
        GROUP BY stay_id HAVING bool_and(outcome <> 'moved')
        UNION ALL
        SELECT stay_id::text FROM stay_directory WHERE stay_id NOT IN (SELECT stay_id FROM stay_revision)""",
    "every journal waits to be sealed": """
        SELECT journal_id::text FROM journal WHERE journal_id NOT IN (SELECT journal_id FROM unsealed)""",
}


def differences(api: Api) -> dict[str, list[str]]:
    """Return what doesn't hold in the books, by rule; empty when all does."""
    found = {rule: [row[0] for row in api.sql(query)] for rule, query in _ANY_DIFFERENCE.items()}
    return {rule: rows for rule, rows in found.items() if rows}


def points_by_member(api: Api) -> dict[str, int]:
    return {number: points for number, points in api.sql("SELECT number, available FROM member") if points}


def points_expected(sent: list[Sent]) -> dict[str, int]:
    """Return what members have once each of these requests has been carried out exactly once."""
    total: dict[str, int] = {}
    for one in sent:
        total[one.request.member] = total.get(one.request.member, 0) + one.request.points
    return {member: points for member, points in total.items() if points}


def describe(pairs: list[tuple[Sent, Sent]]) -> dict[str, Any]:
    """Count what was answered, to be shown when a test fails."""
    return {
        "sent": len(pairs),
        "broken": sum(before.status is None for before, _ in pairs),
        "again": sorted({after.status or 0 for _, after in pairs}),
    }
