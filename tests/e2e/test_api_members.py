"""`/v1/members` over HTTP: enrol once however often it is asked, find by number or id."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from loyalty.http.auth import Role

PROFILE = {
    "name": "王小明",
    "email": "m@example.org",
    "phone": "+86 1",
    "birthday": "03-08",
    "language": "zh",
}


def test_a_member_is_enrolled_with_a_number_that_is_made_up(api: Any) -> None:
    answer = api.enrol()
    member = answer.json()

    assert 201 == answer.status_code
    assert {"member_id", "number", "status", "enrolled_on"} == member.keys()
    assert ("active", str(api.today)) == (member["status"], member["enrolled_on"])
    assert member["member_id"].startswith("mem_")
    assert member["number"].startswith("HX")


def test_a_member_is_enrolled_as_asked(api: Any) -> None:
    number = "HX-" + secrets.token_hex(6)
    made = api.enrol({"number": number, "enrolled_on": "2024-02-29", "profile": PROFILE}).json()
    found = api.get(f"/v1/members/{made['member_id']}").json()

    assert (number, "2024-02-29") == (made["number"], made["enrolled_on"])
    assert made | {"profile": PROFILE} == found


def test_a_member_is_found_by_id_and_by_number_in_either_place(api: Any) -> None:
    made = api.enrol().json()
    found = [
        api.get(path).json()
        for path in (
            f"/v1/members/{made['member_id']}", f"/v1/members/{made['number']}",
            f"/v1/members?number={made['number']}", f"/v1/members?number={made['member_id']}",
        )
    ]  # fmt: skip

    assert [made] * 4 == found


def test_a_person_is_shown_to_booking_sites_and_operators_and_not_to_hotels(api: Any) -> None:
    path = f"/v1/members/{api.enrol({'profile': PROFILE}).json()['number']}"

    assert PROFILE == api.get(path, Role.BOOKING).json()["profile"]
    assert PROFILE == api.get(path, Role.OPERATOR).json()["profile"]
    assert "profile" not in api.get(path, Role.PROPERTY).json()


def test_a_person_is_nowhere_in_the_database_in_the_clear(api: Any) -> None:
    secret = secrets.token_hex(12)
    number = api.enrol({"profile": {"name": secret, "email": f"{secret}@example.org"}}).json()["number"]
    sealed = api.sql(
        "SELECT p::text FROM vault.profile AS p JOIN member USING (member_id) WHERE number = $1", number
    )
    told = api.sql("SELECT payload::text FROM outbox UNION ALL SELECT reply FROM idempotency_key")

    assert 1 == len(sealed)
    assert secret.encode().hex() not in sealed[0][0]
    assert not [row for row in told if secret in row[0]]
    assert secret not in api.log.read_text()


def test_the_same_key_again_gives_the_same_member_byte_for_byte(api: Any) -> None:
    key = secrets.token_hex(8)
    first = api.enrol({"profile": PROFILE}, key)
    before = api.books()
    again = api.enrol({"profile": PROFILE}, key)

    assert first.content == again.content
    assert (201, 201) == (first.status_code, again.status_code)
    assert "idempotent-replayed" not in first.headers
    assert "true" == again.headers["idempotent-replayed"]
    assert before == api.books()


def test_a_key_may_come_in_quotes_and_means_the_same(api: Any) -> None:
    key = secrets.token_hex(8)

    assert api.enrol({}, key).content == api.enrol({}, f'"{key}"').content


def test_ten_clients_with_one_key_at_once_get_one_member(api: Any) -> None:
    key = secrets.token_hex(8)
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: api.enrol({"profile": PROFILE}, key), range(10)))

    assert {201} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert 9 == sum("idempotent-replayed" in answer.headers for answer in answers)


def test_ten_clients_with_one_number_at_once_get_one_member_and_nine_refusals(api: Any) -> None:
    number = "N" + secrets.token_hex(8)
    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(lambda _: api.enrol({"number": number}), range(10)))

    assert [201] + [409] * 9 == sorted(answer.status_code for answer in answers)
    assert [1] == [row[0] for row in api.sql("SELECT count(*) FROM member WHERE number = $1", number)]


def test_the_same_key_of_another_caller_is_another_key(api: Any) -> None:
    key = secrets.token_hex(8)

    assert api.enrol({}, key, Role.BOOKING).json() != api.enrol({}, key, Role.OPERATOR).json()


def test_a_key_that_was_used_with_another_body_is_refused(api: Any) -> None:
    key = secrets.token_hex(8)
    first = api.enrol({}, key)
    before = api.books()
    other = api.enrol({"profile": {"name": "x"}}, key)

    assert (422, "idempotency_key_reused") == (other.status_code, other.json()["code"])
    assert first.content == api.enrol({}, key).content
    assert before == api.books()


def test_a_refusal_is_the_outcome_of_its_key_byte_for_byte(api: Any) -> None:
    taken, key = api.member(), secrets.token_hex(8)
    first = api.enrol({"number": taken}, key)
    before = api.books()
    again = api.enrol({"number": taken}, key)

    assert (409, "number_taken") == (first.status_code, first.json()["code"])
    assert "application/problem+json" == first.headers["content-type"] == again.headers["content-type"]
    assert first.content == again.content
    assert "true" == again.headers["idempotent-replayed"]
    assert before == api.books()


def test_a_key_is_needed_to_enrol(api: Any) -> None:
    before = api.books()
    answer = api.post("/v1/members", {}, Role.BOOKING)

    assert (400, "idempotency_key_missing") == (answer.status_code, answer.json()["code"])
    assert before == api.books()
