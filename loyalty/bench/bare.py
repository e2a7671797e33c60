"""The yardstick: a Litestar app that decodes the same body and replies as much, and does nothing in between.

It runs as the service does (uvicorn, uvloop, httptools, one worker), without auth, logs or metrics:
`python -m loyalty.bench.bare --port 8300`.
"""

import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Generator

import msgspec
import rich_click as click
import uvicorn
from litestar import Litestar, get, post
from litestar.params import FromPath, JSONBody

from loyalty.bench.ports import free_port
from loyalty.embedded.programs import as_child
from loyalty.stays.model import StayPosting

HEX = "0190b6f0c0de7000800000000000002a"
START_SECONDS = 20.0


class BareReply(msgspec.Struct):
    """As long as the reply to an ordinary stay."""

    stay_id: str
    member_id: str
    outcome: str
    revision: int
    program: str
    points: dict[str, int]
    change: int
    nights: str
    balance: dict[str, int]
    tier: dict[str, str]
    milestones: list[dict[str, str]]
    why: list[dict[str, str]]


class BareBalance(msgspec.Struct):
    """As long as the balance of an ordinary member."""

    member_id: str
    number: str
    available: int
    held: int
    debt: int
    as_of: str
    expiring: list[dict[str, str]]
    tier: dict[str, object]
    next_tier: dict[str, object]
    keep_tier: dict[str, object]
    year: dict[str, str]
    milestones: list[dict[str, object]]


@post("/v1/stays", status_code=201)
async def post_stay(data: JSONBody[StayPosting]) -> BareReply:
    """Decode a stay and reply, without a thought."""
    return BareReply(
        stay_id=f"sty_{HEX}",
        member_id=data.member,
        outcome="posted",
        revision=0,
        program="house@1",
        points={"base": 1411, "tier_bonus": 0, "total": 1411},
        change=1411,
        nights="2",
        balance={"available": 1411, "pending": 0, "held": 0, "debt": 0},
        tier={"before": "silver", "after": "silver"},
        milestones=[],
        why=[
            {"code": "base", "category": "room", "amount": "1197.00", "points": "1197"},
            {"code": "base", "category": "food", "amount": "198.00", "points": "198"},
            {"code": "category_not_eligible", "category": "tax", "amount": "173.58"},
        ],
    )


@get("/v1/members/{member_id:str}/balance")
async def get_balance(member_id: FromPath[str]) -> BareBalance:
    """Reply with a balance that nobody has."""
    name = {"en": "Gold", "zh": "金卡"}
    return BareBalance(
        member_id=member_id,
        number="HX000123",
        available=1411,
        held=0,
        debt=0,
        as_of="2026-01-31",
        expiring=[{"on": "2028-01-31", "points": "1411"}],
        tier={"code": "gold", "name": name, "valid_to": "2027-12-31"},
        next_tier={"code": "platinum", "name": name, "remaining": {"nights": "3", "spend": "1200.00"}},
        keep_tier={"code": "gold", "name": name, "remaining": {"nights": "3", "spend": "1200.00"}},
        year={"nights": "12", "stays": "5", "spend": "8000.00"},
        milestones=[{"code": "tenth_stay", "name": name, "reward": "album", "next_at": 20, "remaining": 3}],
    )


def create_bare_app() -> Litestar:
    """Return the app with nothing but its two routes."""
    return Litestar([post_stay, get_balance], openapi_config=None, logging_config=None)


@contextlib.contextmanager
def running_bare(port: int | None = None) -> Generator[str]:
    """Run the bare app in a process of its own, which ends with us, however we end; give its address."""
    port = port or free_port()
    command = [sys.executable, "-m", "loyalty.bench.bare", "--port", str(port)]
    process = subprocess.Popen(as_child("plain", command))  # noqa: S603  (our own module)
    try:
        _wait_until_it_answers(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
            connection.request("GET", f"/v1/members/mem_{HEX}/balance")
            connection.getresponse().read()
            return
        time.sleep(0.05)
    raise RuntimeError("the bare app did not start")


@click.command()
@click.option("--port", type=int, default=8300, show_default=True)
def main(port: int) -> None:
    """Serve the bare app until interrupted."""
    uvicorn.run(
        create_bare_app(),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
