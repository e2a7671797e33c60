"""Who may call what: every route with every key, right, wrong, limited, revoked, made up or missing."""

import asyncio
import secrets
from datetime import UTC, datetime
from typing import Any

import pytest

from loyalty import ids
from loyalty.app import openapi_app
from loyalty.http.auth import OPEN, PERMISSIONS, QUERIES, Role, key_hash, make_key

HOTEL = {
    "code": "SHA01",
    "name": {"en": "SHA01", "zh": "酒店"},
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
}
PARTNER: dict[str, Any] = {
    "code": "thai_air",
    "name": {"en": "Thai Air", "zh": "泰航"},
    "contract": {"currency": "CNY", "point_value": "0.01"},
}
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/v1/members"): {},
    ("POST", "/v1/balances"): {"members": ["HX1"]},
    ("POST", "/v1/stays"): {},
    ("POST", "/v1/stays/batch"): [],
    ("POST", "/v1/adjustments"): {},
    ("POST", "/v1/members/{member_id}/statuses"): {},
    ("PUT", "/v1/members/{member_id}/segments"): {"segments": ["families"]},
    ("POST", "/v1/members/{member_id}/merge"): {},
    ("POST", "/v1/households"): {},
    ("POST", "/v1/households/{household_id}/members"): {},
    ("POST", "/v1/transfers"): {},
    ("POST", "/v1/purchases"): {},
    ("POST", "/v1/compensations"): {},
    ("PUT", "/v1/properties/{code}"): HOTEL,
    ("PUT", "/v1/partners/{code}"): PARTNER,
    ("PUT", "/v1/offers/{code}"): {},
    ("POST", "/v1/programs"): {},
    ("POST", "/v1/partners/{code}/accruals"): {},
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"): {"reason": "rain"},
    ("POST", "/v1/partners/{code}/deposits"): {},
    ("POST", "/v1/partners/{code}/statements"): {},
    ("POST", "/v1/partners/{code}/statements/{period}/dispute"): {},
    ("POST", "/v1/partners/{code}/statements/{period}/settle"): {},
    ("POST", "/v1/partners/{code}/statements/{period}/match"): {},
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"): {},
    ("POST", "/v1/members/{member_id}/redemption-tokens"): {"partner": "thai_air", "points": 1},
    ("POST", "/v1/redemptions"): {"offer": "none", "details": {}},
    ("POST", "/v1/redemptions/{redemption_id}/capture"): {},
    ("POST", "/v1/redemptions/{redemption_id}/release"): {},
    ("POST", "/v1/redemptions/{redemption_id}/extend"): {},
    ("POST", "/v1/redemptions/{redemption_id}/refund"): {"reason": "rain"},
    ("POST", "/v1/vouchers/{code}/redeem"): {},
    ("POST", "/v1/vouchers/{code}/revoke"): {"reason": "stolen"},
    ("POST", "/v1/vouchers/{code}/hand-over"): {},
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): {"codes": ["spa"]},
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): {},
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): {},
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): {},
}


def call(api: Any, route: tuple[str, str], role: Any) -> Any:
    method, path = route
    path = path.format(
        member_id="HX1",
        stay_id="sty_1",
        code="thai_air" if "/partners/" in path else "SHA01",
        approval_id="apr_1",
        household_id="hsh_1",
        merge_id="mrg_1",
        tier="gold",
        kind="gifted",
        version=9,
        reward_id="rwd_1",
        benefit="spa",
        redemption_id="red_1",
        period="2026-03",
        reference="F-1",
    )
    return api.send(method, path, BODIES.get(route), role)


def test_the_table_of_permissions_names_every_route_and_no_other() -> None:
    routes = {
        (method, route.path_format)
        for route in openapi_app().routes
        for method in route.methods
        if method not in {"OPTIONS", "HEAD"} and route.path_format.startswith(("/v1", "/metrics"))
    }

    assert routes == PERMISSIONS.keys()
    assert not [path for _, path in PERMISSIONS if path in OPEN]


@pytest.mark.parametrize("route", PERMISSIONS, ids=" ".join)
@pytest.mark.parametrize("role", Role)
def test_a_key_opens_the_routes_of_its_role_and_no_other(
    api: Any, route: tuple[str, str], role: Role
) -> None:
    before = api.books()
    answer = call(api, route, role)

    if role in PERMISSIONS[route]:
        assert answer.status_code not in {401, 403, 500}
    else:
        assert (403, "forbidden_role") == (answer.status_code, answer.json()["code"])
        assert f"yours is `{role}`" in answer.json()["detail"]
        assert before == api.books()


GARBAGE = (
    "x",
    "lk_operator_",
    "lk_operator_" + "x" * 42,
    "lk_root_" + "x" * 43,
    "lk_operator_" + "ä" * 43,
    "\x00",
)


@pytest.mark.parametrize("route", PERMISSIONS, ids=" ".join)
def test_without_a_key_that_works_nothing_is_told(api: Any, route: tuple[str, str]) -> None:
    before = api.books()
    answers = [call(api, route, key) for key in (None, make_key(Role.OPERATOR))]

    assert {(401, "unauthorized")} == {(answer.status_code, answer.json()["code"]) for answer in answers}
    assert {"Bearer"} == {answer.headers["www-authenticate"] for answer in answers}
    assert before == api.books()


@pytest.mark.parametrize("key", GARBAGE)
def test_a_made_up_key_is_no_key(api: Any, key: str) -> None:
    raw = b"Bearer " + key.encode().replace(b"\x00", b"\x01")
    answer = api.client.get("/v1/properties", headers={b"authorization": raw})

    assert answer.status_code in {400, 401}
    assert answer.status_code == 400 or "unauthorized" == answer.json()["code"]


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Bearer Bearer"])
def test_another_scheme_is_no_key(api: Any, scheme: str) -> None:
    answer = api.client.get(
        "/v1/properties", headers={"authorization": f"{scheme} {api.keys[Role.OPERATOR]}"}
    )

    assert (401, "unauthorized") == (answer.status_code, answer.json()["code"])


def test_a_key_in_the_address_is_no_key(api: Any) -> None:
    answer = api.client.get(f"/v1/properties?key={api.keys[Role.OPERATOR]}")

    assert 401 == answer.status_code


def test_a_revoked_key_is_no_key(api: Any) -> None:
    key, key_id = make_key(Role.OPERATOR), ids.minter()(0)

    async def make_and_revoke(connection: Any) -> None:
        now = datetime.now(UTC)
        await connection.execute(
            QUERIES["insert_key"], key_id, "operator", "gone", [], key_hash(key), now, "", None
        )
        await connection.execute(QUERIES["revoke_key"], key_id, now)

    api.with_database(make_and_revoke)

    assert 401 == api.get("/v1/properties", key).status_code


@pytest.mark.nightly
def test_a_key_in_use_stops_working_within_ten_seconds_of_being_revoked(api: Any) -> None:
    key = api.new_key(Role.OPERATOR)
    before = api.get("/v1/properties", key).status_code
    api.sql("UPDATE api_key SET revoked_at = now() WHERE hash = $1 RETURNING 1", key_hash(key))
    asyncio.run(asyncio.sleep(10.5))
    api.get("/v1/properties", key)

    assert 200 == before
    assert 401 == api.get("/v1/properties", key).status_code


def test_a_key_of_one_hotel_reads_and_posts_its_own_stays_only(api: Any) -> None:
    key = api.new_key(Role.PROPERTY, "SHA01")
    own, other = (api.stay(api.member(), property=code) for code in ("SHA01", "BJS02"))
    posted = api.post_stay(own, key)
    elsewhere = api.post_stay(other).json()["stay_id"]
    before = api.books()
    refused = [api.post_stay(other | {"rooms": 2}, key), api.get(f"/v1/stays/{elsewhere}", key)]

    assert 201 == posted.status_code
    assert 200 == api.get(f"/v1/stays/{posted.json()['stay_id']}", key).status_code
    assert {(403, "forbidden_property")} == {
        (answer.status_code, answer.json()["code"]) for answer in refused
    }
    assert ["/property"] == [error["pointer"] for error in refused[0].json()["errors"]]
    assert before == api.books()


def test_a_property_named_twice_in_a_body_does_not_get_past_the_limit_of_a_key(api: Any) -> None:
    key = api.new_key(Role.PROPERTY, "SHA01")
    ref = secrets.token_hex(8)
    stay = api.stay(api.member(), stay_ref=ref)
    text = str(stay).replace("'", '"')
    answers = [
        api.post_stay(text.replace('"property": "SHA01"', twice), key)
        for twice in ('"property": "SHA01", "property": "BJS02"', '"property": "BJS02", "property": "SHA01"')
    ]
    stored = api.sql("SELECT property FROM stay_directory WHERE stay_ref = $1", ref)

    assert [403, 201] == [answer.status_code for answer in answers]
    assert ["SHA01"] == [row[0] for row in stored]


@pytest.mark.parametrize("what", ["approve", "reject"])
def test_a_large_adjustment_of_settlement_is_decided_by_another_operator_only(api: Any, what: str) -> None:
    proposed = propose(api)
    decision = f"/v1/approvals/{proposed.json()['approval_id']}/{what}"
    before = api.books()
    refused = {role: api.post(decision, None, role) for role in (*Role, make_key(Role.OPERATOR))}

    assert (202, "proposed") == (proposed.status_code, proposed.json()["status"])
    assert [
        (403, "forbidden_role"), (403, "forbidden_role"), (403, "own_proposal"), (403, "forbidden_role"),
        (401, "unauthorized"),
    ] == [(answer.status_code, answer.json()["code"]) for answer in refused.values()]  # fmt: skip
    assert before == api.books()
    assert 200 == api.post(decision, None, api.new_key(Role.OPERATOR)).status_code


def propose(api: Any) -> Any:
    """Propose an adjustment above the limit, about what a partner gave that nobody else uses."""
    code = f"p{secrets.token_hex(5)}"
    base, contract = f"/v1/partners/{code}", PARTNER["contract"] | {"accrual_price": "0.02"}
    api.send("PUT", base, PARTNER | {"code": code, "contract": contract})
    given = {"member": api.member(), "reference": "F-1", "points": 5, "effective_on": str(api.today)}
    key = api.new_key(Role.PARTNER, partner=code)
    api.post(f"{base}/accruals", given, key, idempotency_key=f"{code}-given")
    api.post(f"{base}/statements", {"period": "2026-03"})
    adjustment = {"reference": "F-1", "points": 2_000_000, "reason": "so"}
    return api.post(f"{base}/statements/2026-03/adjustments", adjustment, idempotency_key=f"{code}-large")


def test_open_pages_need_no_key(api: Any) -> None:
    paths = (
        "/health/live",
        "/health/ready",
        "/openapi.json",
        "/docs",
        "/docs/problems",
        "/docs/assets/start.js",
    )
    answers = [api.send("GET", path, role=None) for path in paths]

    assert {200} == {answer.status_code for answer in answers}


@pytest.mark.parametrize(
    "path", ["/docs/../v1/properties", "/docs/%2e%2e/v1/properties", "/health/../metrics", "//v1/properties",
             "/V1/properties", "/openapi.json/../metrics", "/docs/x", "/health/x"],
)  # fmt: skip
def test_no_detour_leads_past_the_door(api: Any, path: str) -> None:
    status = raw_status(api, path)

    assert status in {401, 404}


def raw_status(api: Any, path: str) -> int:
    """Send a path as it is; clients tidy it up."""
    import http.client

    connection = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=10)
    try:
        connection.putrequest("GET", path)
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()
