"""Who calls, and what they may do: API keys, their cache, and the one table of permissions."""

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final, NamedTuple

import asyncpg
import msgspec
import structlog
from litestar.types import ASGIApp, Receive, Send

from loyalty import ids
from loyalty.db import load_queries
from loyalty.errors import Problem
from loyalty.ids import UUID

__all__ = [
    "OPEN",
    "PERMISSIONS",
    "KeyRing",
    "Principal",
    "Role",
    "is_open",
    "key_hash",
    "make_key",
    "permission_gate",
    "postgres_keys",
    "require",
    "require_partner",
    "require_property",
    "unauthorized",
]

log = structlog.get_logger()

QUERIES: Final = load_queries("loyalty.http")


class Role(StrEnum):
    """What kind of system a key was given to."""

    PROPERTY = "property"
    BOOKING = "booking"
    OPERATOR = "operator"
    PARTNER = "partner"


class Principal(msgspec.Struct, frozen=True):
    """The caller of a request. An empty `properties` means every property; `partner` is whose key it is, if any's.

    `member` is the member who holds it, where that is known: nobody redeems for himself, or gives to himself.
    """

    key_id: UUID
    role: Role
    name: str
    properties: frozenset[str] = frozenset()
    partner: str = ""
    member: UUID | None = None


# --- Permissions -----------------------------------------------------------------------------------------------------

_OURS: Final = frozenset({Role.PROPERTY, Role.BOOKING, Role.OPERATOR})
_ALL: Final = frozenset(Role)
_HOTELS: Final = frozenset({Role.PROPERTY, Role.OPERATOR})
_DESKS: Final = frozenset({Role.BOOKING, Role.OPERATOR})
_ENDS: Final = frozenset({Role.PROPERTY, Role.PARTNER, Role.OPERATOR})
_OPERATOR: Final = frozenset({Role.OPERATOR})
_PARTNERS: Final = frozenset({Role.PARTNER, Role.OPERATOR})
_COUNTERS: Final = frozenset({Role.BOOKING, Role.OPERATOR, Role.PARTNER})

PERMISSIONS: Final[dict[tuple[str, str], frozenset[Role]]] = {
    ("POST", "/v1/members"): _OURS,
    ("GET", "/v1/members"): _OURS,
    ("GET", "/v1/members/{member_id}"): _OURS,
    ("GET", "/v1/members/{member_id}/balance"): _OURS,
    ("GET", "/v1/members/{member_id}/statement"): _OURS,
    ("GET", "/v1/members/{member_id}/rewards"): _OURS,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): _OURS,
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): _HOTELS,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): _HOTELS,
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): _HOTELS,
    ("GET", "/v1/rewards"): _OPERATOR,
    ("POST", "/v1/balances"): _OURS,
    ("POST", "/v1/members/{member_id}/statuses"): _OPERATOR,
    ("DELETE", "/v1/members/{member_id}/statuses/{tier}/{kind}"): _OPERATOR,
    ("PUT", "/v1/members/{member_id}/segments"): _OPERATOR,
    ("POST", "/v1/members/{member_id}/promotions/{code}"): _DESKS,
    ("POST", "/v1/members/{member_id}/merge"): _OPERATOR,
    ("POST", "/v1/merges/{merge_id}/undo"): _OPERATOR,
    ("POST", "/v1/households"): _DESKS,
    ("GET", "/v1/households/{household_id}"): _DESKS,
    ("POST", "/v1/households/{household_id}/members"): _DESKS,
    ("DELETE", "/v1/households/{household_id}/members/{member_id}"): _DESKS,
    ("POST", "/v1/stays"): _HOTELS,
    ("POST", "/v1/stays/batch"): _HOTELS,
    ("GET", "/v1/stays/{stay_id}"): _OURS,
    ("POST", "/v1/adjustments"): _OPERATOR,
    ("POST", "/v1/transfers"): _DESKS,
    ("POST", "/v1/purchases"): _DESKS,
    ("POST", "/v1/compensations"): _HOTELS,
    ("GET", "/v1/approvals"): _OPERATOR,
    ("POST", "/v1/approvals/{approval_id}/approve"): _OPERATOR,
    ("POST", "/v1/approvals/{approval_id}/reject"): _OPERATOR,
    ("GET", "/v1/properties"): _OURS,
    ("GET", "/v1/properties/{code}"): _OURS,
    ("PUT", "/v1/properties/{code}"): _OPERATOR,
    ("GET", "/v1/programs"): _OURS,
    ("GET", "/v1/programs/{version}"): _OPERATOR,
    ("POST", "/v1/programs"): _OPERATOR,
    ("DELETE", "/v1/programs/{version}"): _OPERATOR,
    ("POST", "/v1/programs/simulate"): _OPERATOR,
    ("GET", "/v1/partners"): _ALL,
    ("GET", "/v1/partners/{code}"): _ALL,
    ("PUT", "/v1/partners/{code}"): _OPERATOR,
    ("POST", "/v1/partners/{code}/accruals"): _PARTNERS,
    ("GET", "/v1/partners/{code}/accruals/{reference}"): _PARTNERS,
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"): _PARTNERS,
    ("POST", "/v1/partners/{code}/deposits"): _OPERATOR,
    ("GET", "/v1/partners/{code}/fund"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements"): _OPERATOR,
    ("GET", "/v1/partners/{code}/statements"): _PARTNERS,
    ("GET", "/v1/partners/{code}/statements/{period}"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements/{period}/accept"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements/{period}/dispute"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements/{period}/settle"): _OPERATOR,
    ("POST", "/v1/partners/{code}/statements/{period}/match"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements/{period}/match.csv"): _PARTNERS,
    ("GET", "/v1/partners/{code}/statements/{period}/match"): _PARTNERS,
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"): _OPERATOR,
    ("GET", "/v1/reports/redemptions"): _OPERATOR,
    ("GET", "/v1/reports/lots"): _OPERATOR,
    ("GET", "/v1/reports/cost"): _OPERATOR,
    ("GET", "/v1/reports/properties"): _OPERATOR,
    ("GET", "/v1/offers"): _ALL,
    ("GET", "/v1/offers/{code}"): _ALL,
    ("PUT", "/v1/offers/{code}"): _OPERATOR,
    ("GET", "/v1/vouchers/{code}"): _ALL,
    ("GET", "/v1/vouchers/{code}/qr"): _ALL,
    ("POST", "/v1/vouchers/{code}/redeem"): _ENDS,
    ("POST", "/v1/vouchers/{code}/revoke"): _OPERATOR,
    ("POST", "/v1/vouchers/{code}/hand-over"): _DESKS,
    ("GET", "/v1/members/{member_id}/vouchers"): _OURS,
    ("POST", "/v1/members/{member_id}/redemption-tokens"): _DESKS,
    ("POST", "/v1/redemptions"): _COUNTERS,
    ("GET", "/v1/redemptions"): _COUNTERS,
    ("GET", "/v1/redemptions/{redemption_id}"): _COUNTERS,
    ("POST", "/v1/redemptions/{redemption_id}/capture"): _COUNTERS,
    ("POST", "/v1/redemptions/{redemption_id}/release"): _COUNTERS,
    ("POST", "/v1/redemptions/{redemption_id}/extend"): _COUNTERS,
    ("POST", "/v1/redemptions/{redemption_id}/refund"): _COUNTERS,
    ("GET", "/metrics"): _OPERATOR,
}
"""Which roles may call which route. A route that isn't here, nor open, is closed to everyone."""

OPEN: Final = frozenset(
    {
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/docs/assets/{name}",
        "/docs/openapi.json",
        "/docs/problems",
        "/docs/{path}",
    }
)
"""Route templates that need no key."""


def is_open(path: str) -> bool:
    """Tell from a request's path whether it can do without a key; `permission_gate` has the last word."""
    return path.startswith(("/docs", "/health/")) or path == "/openapi.json"


def require(principal: Principal, *roles: Role) -> None:
    """Refuse callers of any other role; for what the table can't say."""
    if principal.role not in roles:
        raise _forbidden(principal.role, roles)


def require_property(principal: Principal, code: str, pointer: str = "/property") -> None:
    """Refuse a key that is limited to other properties than this one."""
    if principal.properties and code not in principal.properties:
        allowed = ", ".join(sorted(principal.properties))
        raise Problem("forbidden_property", f"This key may only act for {allowed}.", at=pointer)


def require_partner(principal: Principal, code: str) -> None:
    """Refuse a partner's key where it is about somebody else."""
    if principal.role == Role.PARTNER and code != principal.partner:
        raise Problem("forbidden_partner", f"This key may only act for {principal.partner}.")


def permission_gate(app: ASGIApp) -> ASGIApp:
    """Check the table once a request is routed; the innermost middleware of the app.

    A middleware because it can't be overridden by a route, as a hook can, and costs a sixth of a Litestar guard,
    for which the route handler is copied on every request.
    """
    allowed_roles = PERMISSIONS.get

    async def gate(scope: Any, receive: Receive, send: Send) -> None:
        roles = allowed_roles((scope["method"], scope["path_template"])) if scope["type"] == "http" else None
        principal: Principal | None = scope.get("user")
        if roles is None or principal is None:
            _check_open(scope, principal)
        elif principal.role not in roles:
            raise _forbidden(principal.role, roles)
        await app(scope, receive, send)

    return gate


def _check_open(scope: Any, principal: Principal | None) -> None:
    if scope["path_template"] in OPEN or (principal and scope.get("method") == "OPTIONS"):
        return
    raise _forbidden(principal.role, ()) if principal else unauthorized()


def _forbidden(role: Role, allowed: Iterable[Role]) -> Problem:
    names = " or ".join(sorted(f"`{other}`" for other in allowed)) or "no role at all"
    return Problem("forbidden_role", f"This takes a key of role {names}; yours is `{role}`.")


def unauthorized(detail: str = "Send an API key: Authorization: Bearer lk_…") -> Problem:
    """Return the refusal of a request without a valid key."""
    return Problem("unauthorized", detail, headers={"WWW-Authenticate": "Bearer"})


# --- Keys ------------------------------------------------------------------------------------------------------------

_KEY: Final = re.compile(rb"lk_(?:property|booking|operator|partner)_[A-Za-z0-9_-]{43}")


def make_key(role: Role) -> str:
    """Make a key: 256 random bits behind a prefix that says what it is, so that a leaked one is recognised."""
    return f"lk_{role}_{secrets.token_urlsafe(32)}"


def key_hash(key: str | bytes) -> bytes:
    """Return what is stored of a key; its entropy makes a slow hash needless."""
    return sha256(key.encode() if isinstance(key, str) else key).digest()


Load = Callable[[Sequence[bytes]], Awaitable[dict[bytes, Principal]]]
"""Finds the principals behind hashes; those that are unknown or revoked are left out."""


def postgres_keys(pool: Callable[[], "asyncpg.Pool[Any]"]) -> Load:
    """Load keys from the table; `pool` is asked for late, when the service has opened it."""

    async def load(hashes: Sequence[bytes]) -> dict[bytes, Principal]:
        rows = await pool().fetch(QUERIES["find_keys"], hashes)
        return {
            row["hash"]: Principal(
                UUID(row["key_id"].bytes),
                Role(row["role"]),
                row["name"],
                frozenset(row["properties"]),
                row["partner"],
                None if row["member_id"] is None else UUID(row["member_id"].bytes),
            )
            for row in rows
        }

    return load


class _Entry(NamedTuple):
    principal: Principal
    stale_at: float  # from here on it is looked up again, in the background
    expires_at: float


class KeyRing:
    """Finds the principal behind an Authorization header, nearly always from memory.

    A key that is revoked stops working within `fresh` seconds in every process, a new one works within `absent`
    seconds of having been tried in vain. Look-ups in flight are shared and go to the database many at a time, one
    query at once, so a flood of wrong keys can't take the pool.
    """

    def __init__(
        self,
        load: Load,
        *,
        clock: Callable[[], float] = time.monotonic,
        fresh: float = 10.0,
        absent: float = 2.0,
        limit: int = 4096,
        timeout: float = 5.0,
    ) -> None:
        self._load = load
        self._clock = clock
        self._fresh = fresh
        self._absent = absent
        self._limit = limit
        self._timeout = timeout
        # Apart, so that made-up keys never push out real ones.
        self._known: dict[bytes, _Entry] = {}
        self._unknown: dict[bytes, float] = {}
        self._waiting: dict[bytes, asyncio.Future[Principal | None]] = {}
        self._queue: list[bytes] = []
        self._loader: asyncio.Task[None] | None = None

    def peek(self, header: bytes) -> Principal | None:
        """Return the principal if it is in memory and fresh; never waits."""
        if header[:7] != b"Bearer ":
            return None
        digest = sha256(header[7:]).digest()
        entry = self._known.get(digest)
        if entry is None:
            return None
        now = self._clock()
        if now >= entry.stale_at:
            if now >= entry.expires_at:
                del self._known[digest]
                return None
            self._ask(digest)
        return entry.principal

    async def find(self, header: bytes | None) -> Principal:
        """Return the principal behind an Authorization header; raises Problem (401, or 503 without a database)."""
        if header is None:
            raise unauthorized()
        scheme, _, key = header.partition(b" ")
        if scheme.lower() != b"bearer" or not _KEY.fullmatch(key):
            raise unauthorized("The Authorization header holds no API key: expected Bearer lk_…")
        digest = key_hash(key)
        entry = self._known.get(digest)
        if entry and self._clock() < entry.expires_at:
            return entry.principal
        if self._unknown.get(digest, 0.0) <= self._clock():
            # Shielded: a client that gives up must not take the answer from others who wait for it.
            principal = await asyncio.shield(self._ask(digest))
            if principal:
                return principal
        raise unauthorized("The API key is unknown or revoked.")

    def _ask(self, digest: bytes) -> asyncio.Future[Principal | None]:
        """Return the look-up of this key that is under way, or start one."""
        waiting = self._waiting.get(digest)
        if waiting is None:
            loop = asyncio.get_running_loop()
            waiting = self._waiting[digest] = loop.create_future()
            self._queue.append(digest)
            if self._loader is None:
                self._loader = loop.create_task(self._run())
        return waiting

    async def _run(self) -> None:
        try:
            while self._queue:
                asked, self._queue = self._queue[: self._limit], self._queue[self._limit :]
                await self._answer(asked)
        finally:
            self._loader = None

    async def _answer(self, asked: list[bytes]) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                found = await self._load(asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            self._fail(asked, error)
            return
        for digest in asked:
            self._keep(digest, found.get(digest))
            self._waiting.pop(digest).set_result(found.get(digest))

    def _keep(self, digest: bytes, principal: Principal | None) -> None:
        now = self._clock()
        if principal:
            self._unknown.pop(digest, None)
            self._known[digest] = _Entry(principal, now + self._fresh / 2, now + self._fresh)
            _shrink(self._known, self._limit)
        else:
            self._known.pop(digest, None)
            self._unknown[digest] = now + self._absent
            _shrink(self._unknown, self._limit)

    def _fail(self, asked: list[bytes], error: Exception) -> None:
        log.error("keys_not_loaded", error=type(error).__name__, exc_info=error)
        for digest in asked:
            waiting = self._waiting.pop(digest)
            waiting.set_exception(Problem("unavailable", headers={"Retry-After": "1"}))
            waiting.exception()  # seen: nobody may be waiting for a refresh in the background


def _shrink(cache: dict[bytes, Any], limit: int) -> None:
    while len(cache) > limit:
        del cache[next(iter(cache))]


def show_id(key_id: Any) -> str:
    """Write the id of a key as people see it."""
    return ids.show("key", UUID(key_id.bytes))
