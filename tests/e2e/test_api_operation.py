"""Health, metrics, properties and what every answer carries."""

import json
import re
from typing import Any

from loyalty.http.auth import Role

HOTEL = {
    "code": "CAN09",
    "name": {"en": "River House", "zh": "江畔酒店"},
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
    "brand": "",
}


def test_the_service_is_alive_and_ready_to_whoever_asks(api: Any) -> None:
    answers = [api.send("GET", path, role=None) for path in ("/health/live", "/health/ready")]

    assert [(200, {"status": "ok"})] * 2 == [(answer.status_code, answer.json()) for answer in answers]


def test_a_hotel_is_added_changed_and_listed(api: Any) -> None:
    added = api.send("PUT", "/v1/properties/CAN09", HOTEL)
    changed = api.send("PUT", "/v1/properties/CAN09", HOTEL | {"time_zone": "Asia/Tokyo"})
    listed = api.get("/v1/properties", Role.BOOKING).json()["properties"]

    assert (200, HOTEL) == (added.status_code, added.json())
    assert HOTEL | {"time_zone": "Asia/Tokyo"} == changed.json() == api.get("/v1/properties/CAN09").json()
    assert ["BJS02", "CAN09", "SHA01", "TYO03"] == sorted(hotel["code"] for hotel in listed)


def test_stays_of_a_hotel_are_taken_from_the_moment_it_is_added(api: Any) -> None:
    stay = api.stay(api.member(), property="NEW01")
    refused = api.post_stay(stay)
    api.send("PUT", "/v1/properties/NEW01", HOTEL | {"code": "NEW01"})

    assert (422, "unknown_property") == (refused.status_code, refused.json()["code"])
    assert 201 == api.post_stay(stay).status_code
    api.sql("DELETE FROM property WHERE code = 'NEW01'")


def test_metrics_count_what_was_posted(api: Any) -> None:
    def posted() -> float:
        text = api.get("/metrics").text
        found = re.search(r'^loyalty_stays_total\{outcome="posted"\} ([0-9.]+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0

    before = posted()
    api.post_stay(api.stay(api.member()))

    assert before + 1 == posted()


def test_a_request_id_is_given_back_also_in_a_refusal_and_in_the_log(api: Any) -> None:
    fine = api.get("/v1/properties", x_request_id="pms/2026-0001")
    refused = api.get("/v1/members/nobody", x_request_id="pms/2026-0002")
    own = api.get("/v1/properties")

    assert "pms/2026-0001" == fine.headers["x-request-id"]
    assert "pms/2026-0002" == refused.headers["x-request-id"] == refused.json()["request_id"]
    assert re.fullmatch("[0-9a-f]{32}", own.headers["x-request-id"])


def test_the_log_is_json_with_no_line_about_an_unexpected_error(api: Any) -> None:
    lines = [json.loads(line) for line in api.log.read_text().splitlines() if line.startswith("{")]

    assert [] == [line for line in lines if line["level"] == "error"]
