"""Vouchers over HTTP: issued, shown, redeemed once however many try, handed over, revoked; and who may do what."""

import secrets
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loyalty.http.auth import Role
from tests.api import Api

NAME = {"en": "An hour of spa", "zh": "水疗一小时"}


def key() -> dict[str, str]:
    return {"idempotency_key": secrets.token_hex(8)}


class Spa:
    """A partner with a key of its own, and offers that give vouchers."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.code = f"s{secrets.token_hex(6)}"
        partner = {"code": self.code, "name": NAME, "contract": {"currency": "CNY", "point_value": "0.01"}}
        assert 201 == api.send("PUT", f"/v1/partners/{self.code}", partner).status_code
        self.key = api.new_key(Role.PARTNER, partner=self.code)

    def offer(self, **changes: Any) -> str:
        code = f"o{secrets.token_hex(6)}"
        body = {
            "code": code, "kind": "merchandise", "name": NAME, "partner": self.code, "prices": [{"points": 10}],
            "voucher": True, "transferable": True, "voucher_months": 3,
        } | changes  # fmt: skip
        body = {name: value for name, value in body.items() if value is not ...}
        answer = self.api.send("PUT", f"/v1/offers/{code}", body)
        assert 201 == answer.status_code, answer.text
        return code


@pytest.fixture(scope="module")
def spa(api: Api) -> Spa:
    return Spa(api)


def guest(api: Api) -> str:
    member = api.member()
    assert 201 == api.adjust({"member": member, "points": 1000, "reason": "goodwill"}).status_code
    return member


def redeemed(api: Api, member: str, offer: str, quantity: int = 1) -> dict[str, Any]:
    """Redeem an offer at once; return the redemption."""
    body = {"offer": offer, "member": member, "quantity": quantity, "details": {}, "capture": True}
    answer = api.post("/v1/redemptions", body, Role.BOOKING, **key())
    assert 201 == answer.status_code, answer.text
    return answer.json()


def vouchers(api: Api, member: str, role: Any = Role.BOOKING, query: str = "") -> list[dict[str, Any]]:
    answer = api.get(f"/v1/members/{member}/vouchers{query}", role)
    assert 200 == answer.status_code, answer.text
    return answer.json()["vouchers"]


def one(api: Api, spa: Spa, **changes: Any) -> tuple[str, str]:
    """Return a member with a voucher, and its code."""
    member = guest(api)
    redeemed(api, member, spa.offer(**changes))
    [voucher] = vouchers(api, member)
    return member, voucher["code"]


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# --- issued and shown -------------------------------------------------------------------------------------------------


def test_a_capture_issues_a_voucher_for_each_unit_and_tells_which(api: Api, spa: Spa) -> None:
    member = guest(api)
    redemption = redeemed(api, member, spa.offer(), 2)
    found = vouchers(api, member)
    page = api.get(f"/v1/members/{member}/vouchers?limit=1", Role.BOOKING).json()
    rest = vouchers(api, member, query=f"?limit=1&cursor={page['next_cursor']}")

    assert sorted(redemption["vouchers"]) == sorted(one["voucher_id"] for one in found)
    assert {("issued", "redemption", spa.code, redemption["redemption_id"])} == {
        (one["status"], one["source"], one["partner"], one["redemption_id"]) for one in found
    }
    assert [2, 1] == [one["number"] for one in found]
    assert found == page["vouchers"] + rest
    assert NAME == found[0]["name"]
    assert all(one["code"] not in api.log.read_text("utf-8") for one in found)


def test_only_a_hash_of_the_code_is_anywhere_in_the_database(api: Api, spa: Spa) -> None:
    _, code = one(api, spa)
    plain = code.replace("-", "")
    found = api.sql(
        "SELECT count(*) FROM idempotency_key WHERE reply LIKE '%' || $1 || '%' OR reply LIKE '%' || $2 || '%'",
        plain, code,
    )  # fmt: skip

    assert 0 == found[0][0]
    assert [(1,)] == [tuple(row) for row in api.sql(
        "SELECT count(*) FROM voucher WHERE code_hash = sha256(convert_to($1, 'UTF8'))", plain
    )]  # fmt: skip


def test_a_code_is_read_however_it_is_typed_and_by_whom_it_concerns(api: Api, spa: Spa) -> None:
    member, code = one(api, spa)
    typed = [code, code.lower(), code.replace("-", ""), code.replace("-", "%20"), code.replace("0", "o")]
    found = [api.get(f"/v1/vouchers/{each}", Role.PROPERTY) for each in typed]
    partner = api.get(f"/v1/vouchers/{code}", spa.key)
    other = api.get(f"/v1/vouchers/{code}", api.new_key(Role.PARTNER))

    assert [200] * 5 == [answer.status_code for answer in found]
    assert {code} == {answer.json()["code"] for answer in found}
    assert 200 == partner.status_code
    assert "member_id" not in partner.json()
    assert (
        api.get(f"/v1/members/{member}", Role.BOOKING).json()["member_id"]
        == (api.get(f"/v1/vouchers/{code}", Role.BOOKING).json()["member_id"])
    )
    assert (403, "forbidden_partner") == told(other)


def test_whatever_is_wrong_with_a_code_the_answer_is_the_same(api: Api, spa: Spa) -> None:
    _, code = one(api, spa)
    plain = code.replace("-", "")
    typed = [
        plain[:-1] + ("A" if plain[-1] != "A" else "B"), plain[1] + plain[0] + plain[2:], "0" * 17, "x", "%00", "é",
        plain + "0", "ZZ" + plain[2:],
    ]  # fmt: skip
    found = [api.get(f"/v1/vouchers/{each}") for each in typed if each != plain]

    assert {(404, "unknown_voucher", found[0].json()["detail"])} == {
        (*told(answer), answer.json()["detail"]) for answer in found
    }
    assert (404, "unknown_voucher") == told(api.post("/v1/vouchers/x/redeem", {}, spa.key, **key()))


def test_the_code_is_a_picture_too(api: Api, spa: Spa) -> None:
    _, code = one(api, spa)
    answer = api.get(f"/v1/vouchers/{code}/qr", spa.key)

    assert (200, "image/svg+xml") == (answer.status_code, answer.headers["content-type"])
    assert answer.text.startswith("<svg ")
    assert answer.text.rstrip().endswith("</svg>")
    assert "no-store" == answer.headers["cache-control"]


def test_codes_of_a_member_are_for_booking_sites_and_operators(api: Api, spa: Spa) -> None:
    member, code = one(api, spa)

    assert {code} == {vouchers(api, member, role)[0]["code"] for role in (Role.BOOKING, Role.OPERATOR)}
    assert "code" not in vouchers(api, member, Role.PROPERTY)[0]
    assert (400, "invalid_parameter") == told(api.get(f"/v1/members/{member}/vouchers?cursor=x"))
    assert (403, "forbidden_role") == told(api.get(f"/v1/members/{member}/vouchers", spa.key))


# --- redeemed ---------------------------------------------------------------------------------------------------------


def test_of_fifty_who_redeem_one_code_at_once_one_succeeds(api: Api, spa: Spa) -> None:
    member, code = one(api, spa)

    def redeem(_: int) -> Any:
        return api.post(f"/v1/vouchers/{code}/redeem", {"note": "Room 2"}, spa.key, **key())

    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(redeem, range(50)))
    lines = api.get(f"/v1/members/{member}/statement").json()["lines"]

    assert {200: 1, 409: 49} == Counter(answer.status_code for answer in answers)
    assert {"voucher_redeemed"} == {answer.json().get("code", "voucher_redeemed") for answer in answers}
    assert 1 == [line["kind"] for line in lines].count("voucher_redeemed")
    assert "redeemed" == vouchers(api, member)[0]["status"]


def test_a_key_is_answered_the_same_again(api: Api, spa: Spa) -> None:
    _, code = one(api, spa)
    once = key()
    first, again = (api.post(f"/v1/vouchers/{code}/redeem", {}, spa.key, **once) for _ in range(2))
    other = api.post(f"/v1/vouchers/{code}/redeem", {"note": "x"}, spa.key, **once)

    assert (200, first.content, "true") == (
        again.status_code, again.content, again.headers["idempotent-replayed"],
    )  # fmt: skip
    assert (422, "idempotency_key_reused") == told(other)
    assert "code" not in first.json()["voucher"]


def test_each_redeems_its_own(api: Api, spa: Spa) -> None:
    _, partners = one(api, spa)
    member, hotels = one(api, spa, partner=...)
    before = api.books("idempotency_key")
    refused = [
        api.post(f"/v1/vouchers/{partners}/redeem", {}, api.new_key(Role.PARTNER), **key()),
        api.post(f"/v1/vouchers/{partners}/redeem", {"property": "SHA01"}, Role.PROPERTY, **key()),
        api.post(f"/v1/vouchers/{hotels}/redeem", {}, spa.key, **key()),
    ]
    limited = api.new_key(Role.PROPERTY, "BJS02")
    elsewhere = api.post(f"/v1/vouchers/{hotels}/redeem", {"property": "SHA01"}, limited, **key())
    nowhere = api.post(f"/v1/vouchers/{hotels}/redeem", {"property": "XXX99"}, Role.OPERATOR, **key())
    guests = api.post(f"/v1/vouchers/{hotels}/redeem", {}, Role.BOOKING, **key())

    assert [(403, "forbidden_partner")] * 3 == [told(answer) for answer in refused]
    assert (403, "forbidden_property") == told(elsewhere)
    assert (422, "unknown_property") == told(nowhere)
    assert (403, "forbidden_role") == told(guests)
    assert before["voucher"] == api.books("idempotency_key")["voucher"]
    assert (
        200 == api.post(f"/v1/vouchers/{hotels}/redeem", {"property": "BJS02"}, limited, **key()).status_code
    )
    assert "BJS02" == vouchers(api, member)[0]["property"]


# --- handed over ------------------------------------------------------------------------------------------------------


def test_handed_over_it_has_a_new_code_that_the_other_member_sees_and_the_old_one_is_void(
    api: Api, spa: Spa
) -> None:
    giver, code = one(api, spa)
    taker = api.member()
    once = key()
    first, again = (
        api.post(f"/v1/vouchers/{code}/hand-over", {"member": taker}, Role.BOOKING, **once) for _ in range(2)
    )
    new = first.json()["voucher"]["code"]
    late = api.post(f"/v1/vouchers/{code}/redeem", {}, spa.key, **key())
    twice = api.post(f"/v1/vouchers/{new}/hand-over", {"member": taker}, Role.BOOKING, **key())

    assert (200, first.content) == (again.status_code, again.content)
    assert new != code
    assert (404, "unknown_voucher") == told(late)
    assert (422, "same_member") == told(twice)
    assert new == vouchers(api, taker)[0]["code"]
    assert "code" not in vouchers(api, giver)[0]
    assert new == vouchers(api, giver, Role.OPERATOR)[0]["code"]
    assert 200 == api.post(f"/v1/vouchers/{new}/redeem", {}, spa.key, **key()).status_code


def test_it_may_go_to_whoever_is_told_the_code_and_only_where_the_offer_allows(api: Api, spa: Spa) -> None:
    giver, code = one(api, spa)
    new = api.post(f"/v1/vouchers/{code}/hand-over", {}, Role.BOOKING, **key()).json()["voucher"]["code"]
    _, own = one(api, spa, transferable=False)

    assert "code" not in vouchers(api, giver)[0]
    assert 200 == api.get(f"/v1/vouchers/{new}").status_code
    assert (422, "not_transferable") == told(
        api.post(f"/v1/vouchers/{own}/hand-over", {}, Role.BOOKING, **key())
    )
    assert (404, "unknown_member") == told(
        api.post(f"/v1/vouchers/{new}/hand-over", {"member": "HX0"}, Role.BOOKING, **key())
    )


def test_nobody_of_the_staff_redeems_an_own_voucher(api: Api, spa: Spa) -> None:
    member, code = one(api, spa)
    other = api.member()
    mine, theirs = (api.new_key(Role.OPERATOR, member=each) for each in (member, other))

    def redeem(typed: str, role: Any) -> Any:
        return api.post(f"/v1/vouchers/{typed}/redeem", {}, role, **key())

    def hand_over(typed: str, body: dict[str, str]) -> str:
        return api.post(f"/v1/vouchers/{typed}/hand-over", body, Role.BOOKING, **key()).json()["voucher"][
            "code"
        ]

    first = redeem(code, mine)
    bearer = hand_over(code, {})
    second = redeem(bearer, mine)
    given = hand_over(bearer, {"member": other})
    third, fourth = redeem(given, theirs), redeem(given, mine)

    assert [(403, "own_redemption")] * 3 == [told(each) for each in (first, second, third)]
    assert (200, "redeemed") == (fourth.status_code, fourth.json()["voucher"]["status"])


def test_a_voucher_that_was_received_and_given_to_nobody_is_still_the_last_known_holders(
    api: Api, spa: Spa
) -> None:
    _, code = one(api, spa)
    clerk, heir, friend = (api.member() for _ in range(3))
    mine, theirs = (api.new_key(Role.OPERATOR, member=each) for each in (clerk, heir))

    def redeem(typed: str, role: Any) -> Any:
        return api.post(f"/v1/vouchers/{typed}/redeem", {}, role, **key())

    def hand_over(typed: str, body: dict[str, str]) -> str:
        answer = api.post(f"/v1/vouchers/{typed}/hand-over", body, Role.BOOKING, **key())
        return answer.json()["voucher"]["code"]

    bearer = hand_over(hand_over(code, {"member": clerk}), {})
    first = redeem(bearer, mine)
    bearer = hand_over(bearer, {})
    again = redeem(bearer, mine)
    assert 201 == api.post(f"/v1/members/{clerk}/merge", {"into": heir}, **key()).status_code
    merged = [redeem(bearer, each) for each in (mine, theirs)]
    bearer = hand_over(hand_over(bearer, {"member": friend}), {})
    last = redeem(bearer, mine)

    assert [(403, "own_redemption")] * 4 == [told(each) for each in (first, again, *merged)]
    assert (200, "redeemed") == (last.status_code, last.json()["voucher"]["status"]), "the friend's by then"


def test_a_voucher_does_not_go_to_who_has_it_by_way_of_a_merge(api: Api, spa: Spa) -> None:
    old, code = one(api, spa)
    taker = api.member()
    new, last = guest(api), api.member()

    def hand_over(typed: str, member: str) -> Any:
        return api.post(f"/v1/vouchers/{typed}/hand-over", {"member": member}, Role.BOOKING, **key())

    assert 201 == api.post(f"/v1/members/{old}/merge", {"into": new}, **key()).status_code
    own = [hand_over(code, each) for each in (old, new)]
    given = hand_over(code, taker).json()["voucher"]["code"]
    assert 201 == api.post(f"/v1/members/{taker}/merge", {"into": last}, **key()).status_code
    back = [hand_over(given, each) for each in (taker, last)]

    assert [(422, "same_member")] * 4 == [told(each) for each in (*own, *back)]
    assert 200 == hand_over(given, new).status_code


def test_an_own_voucher_stays_one_when_the_accounts_are_merged(api: Api, spa: Spa) -> None:
    old, code = one(api, spa)
    new = guest(api)
    keys = [api.new_key(Role.OPERATOR, member=each) for each in (old, new)]
    merged = api.post(f"/v1/members/{old}/merge", {"into": new}, **key())
    tried = [api.post(f"/v1/vouchers/{code}/redeem", {}, each, **key()) for each in keys]

    assert 201 == merged.status_code, merged.text
    assert [(403, "own_redemption")] * 2 == [told(each) for each in tried]
    assert 200 == api.post(f"/v1/vouchers/{code}/redeem", {}, **key()).status_code


# --- revoked, refunded ------------------------------------------------------------------------------------------------


def test_an_operator_revokes_one_with_a_reason(api: Api, spa: Spa) -> None:
    _, code = one(api, spa)
    bare = api.post(f"/v1/vouchers/{code}/revoke", {}, **key())
    blank = api.post(f"/v1/vouchers/{code}/revoke", {"reason": " \n"}, **key())
    done = api.post(f"/v1/vouchers/{code}/revoke", {"reason": "Stolen"}, **key())
    late = api.post(f"/v1/vouchers/{code}/redeem", {}, spa.key, **key())

    assert (400, "invalid_body") == told(bare)
    assert (400, "invalid_body") == told(blank)
    assert (200, "revoked") == (done.status_code, done.json()["voucher"]["status"])
    assert (409, "voucher_revoked") == told(late)


def test_a_refund_revokes_what_was_not_redeemed_and_gives_no_more_than_that(api: Api, spa: Spa) -> None:
    member = guest(api)
    redemption = redeemed(api, member, spa.offer(), 3)
    last, middle, first = vouchers(api, member)
    assert 200 == api.post(f"/v1/vouchers/{middle['code']}/redeem", {}, spa.key, **key()).status_code

    def refund(quantity: int) -> Any:
        path = f"/v1/redemptions/{redemption['redemption_id']}/refund"
        return api.post(path, {"quantity": quantity, "reason": "Rain"}, Role.BOOKING, **key())

    too_many, done = refund(3), refund(2)

    assert (409, "voucher_used") == told(too_many)
    assert {"refundable": 2} == too_many.json()["numbers"]
    assert 200 == done.status_code, done.text
    assert {first["voucher_id"], last["voucher_id"]} == set(done.json()["vouchers"])
    assert ["revoked", "redeemed", "revoked"] == [each["status"] for each in vouchers(api, member)]
    assert (409, "voucher_revoked") == told(
        api.post(f"/v1/vouchers/{last['code']}/redeem", {}, spa.key, **key())
    )


def test_a_refund_and_a_redeem_at_the_same_time_leave_one_of_them(api: Api, spa: Spa) -> None:
    for _ in range(8):
        member = guest(api)
        redemption = redeemed(api, member, spa.offer())
        [voucher] = vouchers(api, member)
        refund = (f"/v1/redemptions/{redemption['redemption_id']}/refund", {"reason": "Rain"}, Role.OPERATOR)
        redeem = (f"/v1/vouchers/{voucher['code']}/redeem", {}, spa.key)
        with ThreadPoolExecutor(2) as clients:
            answers = list(clients.map(lambda call: api.post(*call, **key()), (refund, redeem)))

        assert [200, 409] == sorted(answer.status_code for answer in answers)


# --- rewards and benefits ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def regular(api: Api) -> str:
    """A member with 20 stays of two nights: two albums, and a benefit that is counted."""
    member = api.member()
    for _ in range(20):
        assert api.post_stay(api.stay(member)).status_code == 201
    return member


def test_the_voucher_of_a_reward_uses_the_reward_and_the_other_way_round(api: Api, regular: str) -> None:
    newest, oldest = vouchers(api, regular, query="?status=issued")
    by_code = api.post(f"/v1/vouchers/{newest['code']}/redeem", {"property": "SHA01"}, Role.PROPERTY, **key())
    path = f"/v1/members/{regular}/rewards/{oldest['reward_id']}/use"
    by_reward = api.post(path, {}, Role.OPERATOR, **key())
    rewards = api.get(f"/v1/members/{regular}/rewards").json()["rewards"]

    assert (200, 200) == (by_code.status_code, by_reward.status_code)
    assert {"stay_album"} == {newest["item"], oldest["item"]}
    assert {"used"} == {each["status"] for each in rewards}
    assert (409, "voucher_redeemed") == told(
        api.post(f"/v1/vouchers/{oldest['code']}/redeem", {}, Role.OPERATOR, **key())
    )


def test_the_use_of_a_benefit_gives_a_voucher_and_giving_it_back_revokes_it(api: Api, regular: str) -> None:
    path = f"/v1/members/{regular}/benefits/meeting_hour"
    used = api.post(f"{path}/use", {"voucher": True}, Role.OPERATOR, **key())
    [made] = [each for each in vouchers(api, regular) if each["source"] == "benefit"]
    back = api.post(f"{path}/return", {}, Role.OPERATOR, **key())

    assert (200, [made["voucher_id"]]) == (used.status_code, used.json()["vouchers"])
    assert f"{api.today.year + 1}-01-01" == made["valid_to"]
    assert (200, [made["voucher_id"]]) == (back.status_code, back.json()["vouchers"])
    assert (409, "voucher_revoked") == told(
        api.post(f"/v1/vouchers/{made['code']}/redeem", {}, Role.OPERATOR, **key())
    )


def test_a_benefit_whose_voucher_was_redeemed_is_not_given_back(api: Api, regular: str) -> None:
    path = f"/v1/members/{regular}/benefits/meeting_hour"
    made = api.post(f"{path}/use", {"voucher": True}, Role.OPERATOR, **key()).json()["vouchers"]
    [voucher] = [each for each in vouchers(api, regular) if each["voucher_id"] in made]
    assert 200 == api.post(f"/v1/vouchers/{voucher['code']}/redeem", {}, Role.OPERATOR, **key()).status_code

    assert (409, "voucher_used") == told(api.post(f"{path}/return", {}, Role.OPERATOR, **key()))
