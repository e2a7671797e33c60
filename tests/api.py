"""A client that speaks to a running service as a PMS, a booking site or an operator would."""

import asyncio
import datetime as dt
import itertools
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx

from loyalty.db import connect
from loyalty.http.auth import Role
from loyalty.http.keys_command import create_key
from tests.described import statuses
from tests.noon import TODAY, ZONE

PROPERTIES = {"SHA01": "CNY", "BJS02": "CNY", "TYO03": "JPY"}

# All that could have changed, but for what a job folds meanwhile (account_balance shows the sum).
_TABLES = (
    "shard", "property", "api_key", "member", "vault.profile", "journal", "transfer", "lot", "allocation", "redemption",
    "redemption_step", "partner_reference", "redemption_token", "voucher", "accrual", "partner_deposit",
    "statement_turn", "statement", "statement_line", "statement_step", "statement_comparison", "settlement_adjustment",
    "account_balance", "stay_directory", "stay_revision", "milestone_grant", "reward", "idempotency_key",
    "approval", "referral", "member_merge", "household", "outbox", "unsealed", "partner_version", "offer_version",
    "promotion_pool", "promotion_budget",
)  # fmt: skip
_DIGEST = " UNION ALL ".join(
    f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} AS t"
    for table in _TABLES
)


# A pool with limits may close a connection that it has just given to another thread, which then waits in vain.
_UNLIMITED = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=None)


class Api:
    """A client of the running service, with a key of each role, and a look at its database."""

    def __init__(self, url: str, dsn: str, log: Path, keys: dict[Role, str] | None = None) -> None:
        self.url = url
        self.dsn = dsn
        self.log = log
        self.client = httpx.Client(base_url=url, trust_env=False, timeout=60, limits=_UNLIMITED)
        self.today = TODAY
        self.keys = keys or {role: self.new_key(role) for role in Role}
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    # --- what is sent ---------------------------------------------------------------------------------------

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        role: Role | str | None = Role.OPERATOR,
        **headers: str,
    ) -> httpx.Response:
        """Send a request with the key of a role (or that key, or none); underscores in header names become hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if role is not None:
            sent = {"authorization": f"Bearer {self.keys[role] if isinstance(role, Role) else role}"} | sent
        if body is not None:
            sent = {"content-type": "application/json"} | sent
        answer = self.client.request(method, path, content=as_bytes(body), headers=sent)
        told = statuses(method, path)
        assert told is None or answer.status_code in told, f"{answer.status_code} isn't described for {path}"
        return answer

    def get(self, path: str, role: Role | str = Role.OPERATOR, **headers: str) -> httpx.Response:
        return self.send("GET", path, None, role, **headers)

    def post(self, path: str, body: Any, role: Role | str = Role.OPERATOR, **headers: str) -> httpx.Response:
        return self.send("POST", path, body, role, **headers)

    def enrol(self, body: Any = None, key: str | None = None, role: Role = Role.BOOKING) -> httpx.Response:
        return self.post("/v1/members", body or {}, role, idempotency_key=key or secrets.token_hex(8))

    def adjust(self, body: Any, key: str | None = None) -> httpx.Response:
        return self.post("/v1/adjustments", body, idempotency_key=key or secrets.token_hex(8))

    def post_stay(self, body: Any, role: Role | str = Role.PROPERTY) -> httpx.Response:
        return self.post("/v1/stays", body, role)

    def add_hotels(self) -> None:
        for code, currency in PROPERTIES.items():
            hotel = {
                "code": code,
                "name": {"en": code, "zh": "酒店"},
                "time_zone": ZONE,
                "currency": currency,
            }
            answer = self.send("PUT", f"/v1/properties/{code}", hotel)
            assert answer.status_code == 200, answer.text

    # --- what it is about -----------------------------------------------------------------------------------

    def member(self) -> str:
        """Enrol somebody; return the number."""
        answer = self.enrol()
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    def stay(self, member: str, /, **changes: Any) -> dict[str, Any]:
        """Return a posting of a stay that nobody has posted yet; a change to `...` leaves a field out."""
        body = {
            "source": "opera", "property": "SHA01", "stay_ref": f"R-{next(self._numbers)}", "member": member,
            "status": "checked_out", "arrival": str(self.today - dt.timedelta(3)),
            "departure": str(self.today - dt.timedelta(1)), "channel": "direct", "rate_code": "BAR", "currency": "CNY",
            "lines": [{"category": "room", "amount": "1197.00"}, {"category": "tax", "amount": "73.58"}],
        } | changes  # fmt: skip
        return {name: value for name, value in body.items() if value is not ...}

    # --- what lies underneath -------------------------------------------------------------------------------

    def with_database(self, use: Callable[[asyncpg.Connection], Any]) -> Any:
        async def run() -> Any:
            connection = await connect(self.dsn)
            try:
                return await use(connection)
            finally:
                await connection.close()

        return asyncio.run(run())

    def sql(self, query: str, *values: Any) -> list[Any]:
        return self.with_database(lambda it: it.fetch(query, *values))

    def new_key(self, role: Role, *properties: str, partner: str = "thai_air", member: str = "") -> str:
        """Make a key of a role; a partner's is that of `partner`, an operator's may be held by a member."""
        whose = partner if role == Role.PARTNER else ""
        made, _ = self.with_database(
            lambda it: create_key(it, role, f"the {role}", properties, partner=whose, member=member)
        )
        return made.key

    def books(self, *leave_out: str) -> dict[str, tuple[int, int]]:
        """Rows and a digest of each table: equal if nothing changed."""
        return {table: (rows, digest) for table, rows, digest in self.sql(_DIGEST) if table not in leave_out}


def as_bytes(body: Any) -> Any:
    """Write a body as JSON, unless it is bytes, text or a stream already."""
    if body is None or isinstance(body, bytes | str) or hasattr(body, "__next__"):
        return body
    return json.dumps(body).encode()
