"""Keys, their cache, and who may do what."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from loyalty.errors import Problem
from loyalty.http.auth import (
    OPEN,
    PERMISSIONS,
    KeyRing,
    Principal,
    Role,
    is_open,
    key_hash,
    make_key,
    permission_gate,
    require,
    require_partner,
    require_property,
)
from loyalty.ids import minter

mint = minter()


def principal(role: Role = Role.PROPERTY, *properties: str) -> Principal:
    return Principal(mint(0), role, "opera", frozenset(properties))


class Store:
    """Keys in memory, with a clock that stands still; counts how often it is asked, and for what."""

    def __init__(self) -> None:
        self.now = 100.0
        self.keys: dict[bytes, Principal] = {}
        self.asked: list[list[bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def load(self, hashes: Sequence[bytes]) -> dict[bytes, Principal]:
        self.asked.append(list(hashes))
        await self.gate.wait()
        if self.error:
            raise self.error
        return {digest: self.keys[digest] for digest in hashes if digest in self.keys}

    def add(self, role: Role = Role.PROPERTY) -> tuple[bytes, Principal]:
        key = make_key(role)
        self.keys[key_hash(key)] = owner = principal(role)
        return b"Bearer " + key.encode(), owner

    def ring(self, **options: Any) -> KeyRing:
        return KeyRing(self.load, clock=lambda: self.now, **options)


@pytest.fixture
async def store() -> Store:
    return Store()


async def status_of(ring: KeyRing, header: bytes) -> int:
    try:
        await ring.find(header)
    except Problem as problem:
        return problem.status
    return 200


def test_a_key_says_its_role_and_has_256_bits() -> None:
    keys = {make_key(Role.BOOKING) for _ in range(100)}

    assert len(keys) == 100
    assert all(key.startswith("lk_booking_") and len(key) == len("lk_booking_") + 43 for key in keys)


async def test_a_key_is_looked_up_once_while_it_is_fresh(store: Store) -> None:
    header, owner = store.add()
    ring = store.ring()
    missed = ring.peek(header)
    found = [await ring.find(header) for _ in range(3)]

    assert missed is None
    assert found == [owner] * 3
    assert ring.peek(header) is owner
    assert len(store.asked) == 1


async def test_an_unknown_key_is_refused_and_not_asked_about_again_at_once(store: Store) -> None:
    ring = store.ring()
    header = b"Bearer " + make_key(Role.OPERATOR).encode()
    statuses = [await status_of(ring, header) for _ in range(3)]
    store.now += 2
    later = await status_of(ring, header)

    assert [*statuses, later] == [401] * 4
    assert len(store.asked) == 2


async def test_a_new_key_works_soon_after_it_was_tried_in_vain(store: Store) -> None:
    ring = store.ring()
    header, _ = store.add()
    saved, store.keys = store.keys, {}
    early = await status_of(ring, header)
    store.keys = saved
    store.now += 2

    assert (early, await status_of(ring, header)) == (401, 200)


async def test_a_revoked_key_stops_within_ten_seconds(store: Store) -> None:
    ring = store.ring()
    header, _ = store.add()
    await ring.find(header)
    store.keys.clear()
    store.now += 9.99
    still = ring.peek(header)
    await asyncio.sleep(0)
    store.now += 0.01

    assert still is not None
    assert ring.peek(header) is None
    assert await status_of(ring, header) == 401


async def test_a_revoked_key_that_lay_idle_is_not_let_in_from_memory(store: Store) -> None:
    ring = store.ring()
    header, _ = store.add()
    await ring.find(header)
    store.keys.clear()
    store.now += 10

    assert ring.peek(header) is None
    assert await status_of(ring, header) == 401


async def test_a_key_in_use_is_refreshed_in_the_background_and_never_waits(store: Store) -> None:
    ring = store.ring()
    header, owner = store.add()
    await ring.find(header)
    for _ in range(20):
        store.now += 4
        assert ring.peek(header) is owner
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    assert 8 <= len(store.asked) <= 12


async def test_look_ups_of_one_key_are_shared(store: Store) -> None:
    ring = store.ring()
    header, owner = store.add()
    store.gate.clear()
    finding = [asyncio.create_task(ring.find(header)) for _ in range(50)]
    await asyncio.sleep(0)
    store.gate.set()

    assert await asyncio.gather(*finding) == [owner] * 50
    assert store.asked == [[key_hash(header[7:])]]


async def test_a_flood_of_keys_asks_one_query_at_a_time(store: Store) -> None:
    ring = store.ring()
    store.gate.clear()
    first = asyncio.create_task(status_of(ring, b"Bearer " + make_key(Role.BOOKING).encode()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    headers = [b"Bearer " + make_key(Role.BOOKING).encode() for _ in range(500)]
    rest = [asyncio.create_task(status_of(ring, header)) for header in headers]
    await asyncio.sleep(0)
    store.gate.set()
    statuses = await asyncio.gather(first, *rest)

    assert set(statuses) == {401}
    assert [len(batch) for batch in store.asked] == [1, 500]


async def test_made_up_keys_fill_only_their_own_bounded_memory(store: Store) -> None:
    ring = store.ring(limit=10)
    header, owner = store.add()
    await ring.find(header)
    for _ in range(50):
        await status_of(ring, b"Bearer " + make_key(Role.BOOKING).encode())

    assert ring.peek(header) is owner
    assert len(ring._unknown) == 10
    assert not ring._waiting


async def test_a_client_that_gives_up_takes_nothing_from_the_others(store: Store) -> None:
    ring = store.ring()
    header, owner = store.add()
    store.gate.clear()
    impatient = asyncio.create_task(ring.find(header))
    patient = asyncio.create_task(ring.find(header))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    store.gate.set()

    assert await patient == owner


async def test_without_a_database_known_keys_work_on_and_others_hear_503(store: Store) -> None:
    ring = store.ring()
    header, owner = store.add()
    other, _ = store.add()
    await ring.find(header)
    store.error = OSError("no route to host")
    store.now += 6
    known = ring.peek(header)
    with pytest.raises(Problem) as caught:
        await ring.find(other)
    store.error = None

    assert known == owner
    assert (caught.value.status, caught.value.headers) == (503, {"Retry-After": "1"})
    assert await status_of(ring, other) == 200


async def test_a_look_up_that_hangs_is_given_up(store: Store) -> None:
    ring = store.ring(timeout=0.01)
    header, _ = store.add()
    store.gate.clear()

    assert await status_of(ring, header) == 503


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic bGs6bGs=",
        b"Bearer lk_property_short",
        b"Bearer lk_root_" + b"k" * 43,
        b"Bearer lk_property_" + b"k" * 44,
        b"Bearer  lk_property_" + b"k" * 43,
        b"Bearer lk_property_" + b"k" * 43 + b"\n",
        b"Bearer lk_property_" + b"\xff" * 43,
        b"Bearer " + b"k" * 100_000,
    ],
)
async def test_what_cannot_be_a_key_never_reaches_the_database(store: Store, header: bytes) -> None:
    ring = store.ring()

    assert ring.peek(header) is None
    assert await status_of(ring, header) == 401
    assert store.asked == []


async def test_the_scheme_is_read_whatever_its_case(store: Store) -> None:
    ring = store.ring()
    header, owner = store.add()

    assert await ring.find(b"bearer " + header[7:]) == owner


# --- Permissions -----------------------------------------------------------------------------------------------------


OURS = {Role.PROPERTY, Role.BOOKING, Role.OPERATOR}


async def passes(method: str, template: str, caller: Principal | None) -> str:
    """Send a routed request through the gate; returns "passed" or the code of the refusal."""
    reached: list[str] = []

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        reached.append("passed")

    scope: Any = {"type": "http", "method": method, "path_template": template, "user": caller}
    try:
        await permission_gate(app)(scope, None, None)
    except Problem as problem:
        return problem.code
    return reached[0]


@pytest.mark.parametrize(
    ("method", "template", "allowed"),
    [
        ("POST", "/v1/stays", {Role.PROPERTY, Role.OPERATOR}),
        ("POST", "/v1/stays/batch", {Role.PROPERTY, Role.OPERATOR}),
        ("GET", "/v1/stays/{stay_id}", OURS),
        ("POST", "/v1/members", OURS),
        ("POST", "/v1/adjustments", {Role.OPERATOR}),
        ("PUT", "/v1/properties/{code}", {Role.OPERATOR}),
        ("GET", "/v1/offers", set(Role)),
        ("PUT", "/v1/offers/{code}", {Role.OPERATOR}),
        ("GET", "/metrics", {Role.OPERATOR}),
        ("GET", "/v1/forgotten", set()),
        ("DELETE", "/v1/members/{member_id}", set()),
    ],
)
async def test_each_role_may_call_what_the_table_says(method: str, template: str, allowed: set[Role]) -> None:
    codes = {role: await passes(method, template, principal(role)) for role in Role}

    assert {role for role, code in codes.items() if code == "passed"} == allowed
    assert {code for role, code in codes.items() if role not in allowed} <= {"forbidden_role"}


async def test_nobody_passes_without_a_key_except_on_open_routes() -> None:
    closed = {await passes(method, template, None) for method, template in PERMISSIONS}
    opened = {await passes("GET", template, None) for template in OPEN}

    assert closed == {"unauthorized"}
    assert opened == {"passed"}


async def test_a_path_that_looks_open_but_is_routed_elsewhere_is_still_closed() -> None:
    # /docs/prefix/v1/members is /v1/members to Litestar when it is mounted under /prefix
    assert is_open("/docs/prefix/v1/members")
    assert await passes("GET", "/v1/members", None) == "unauthorized"


async def test_an_app_without_the_edge_lets_nobody_in() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None: ...

    scope: Any = {"type": "http", "method": "GET", "path_template": "/v1/members"}
    with pytest.raises(Problem) as caught:
        await permission_gate(app)(scope, None, None)

    assert caught.value.code == "unauthorized"


def test_the_refusal_names_the_roles_that_may() -> None:
    with pytest.raises(Problem) as caught:
        require(principal(Role.BOOKING), Role.PROPERTY, Role.OPERATOR)

    assert caught.value.status == 403
    assert caught.value.detail == "This takes a key of role `operator` or `property`; yours is `booking`."
    require(principal(Role.OPERATOR), Role.OPERATOR)


def test_a_key_limited_to_hotels_acts_for_no_other() -> None:
    limited = principal(Role.PROPERTY, "SHA01", "PEK02")
    with pytest.raises(Problem) as caught:
        require_property(limited, "CAN01")
    require_property(limited, "SHA01")
    require_property(principal(Role.PROPERTY), "CAN01")

    assert (caught.value.code, caught.value.errors[0].pointer) == ("forbidden_property", "/property")
    assert caught.value.detail == "This key may only act for PEK02, SHA01."


def test_a_partners_key_acts_for_that_partner_only() -> None:
    caller = Principal(mint(0), Role.PARTNER, "Thai Air", partner="thai_air")
    with pytest.raises(Problem) as caught:
        require_partner(caller, "sino_air")
    require_partner(caller, "thai_air")
    require_partner(principal(Role.OPERATOR), "sino_air")

    assert (403, "forbidden_partner") == (caught.value.status, caught.value.code)
    assert caught.value.detail == "This key may only act for thai_air."
