"""Vouchers in the pure core: issued, redeemed, handed over, expired and taken back; with numbers worked out by hand."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.commands import benefit, hand_over, lapse, redeem_voucher, revoke_voucher, vouching
from loyalty.commands.benefit import ReturnBenefit, ReturnRequest, UseBenefit, UseRequest
from loyalty.commands.hand_over import HandOver
from loyalty.commands.lapse import Lapse
from loyalty.commands.model import Decision, Facts, Prior
from loyalty.commands.redeem_voucher import RedeemVoucher, RedeemVoucherRequest
from loyalty.commands.revoke_voucher import RevokeVoucher, RevokeVoucherRequest
from loyalty.errors import Problem
from loyalty.ids import show
from loyalty.ledger.model import Journal, Member
from loyalty.partners.model import Offer, Title
from loyalty.partners.redemption import Redemption
from loyalty.rewards.model import GrantedReward
from loyalty.vouchers.model import MOVES, Voucher, may
from tests.builders import MINT, counted, decided, key, member, moment, refused
from tests.unit.test_rewards import RULES

TODAY = date(2026, 6, 1)


def voucher(owner: Member, **fields: Any) -> Voucher:
    values: dict[str, Any] = {
        "voucher_id": MINT(0), "member_id": owner.member_id, "source": "redemption", "redemption_id": MINT(0),
        "kind": "spa", "item": "bamboo_hour", "partner": "bamboo", "number": 1, "transferable": True,
        "valid_from": TODAY, "valid_to": date(2026, 7, 1), "status": "issued", "handed_over": 0, "holder_id": None,
        "property": "", "journal_id": MINT(0), "changed_by": MINT(0),
    }  # fmt: skip
    return Voucher(**values | fields)


def redemption(owner: Member, **fields: Any) -> Redemption:
    values: dict[str, Any] = {
        "redemption_id": MINT(0), "member_id": owner.member_id, "offer": "bamboo_hour", "offer_version": 1,
        "partner": "bamboo", "reference": None, "status": "captured", "quantity": 3, "points": 300, "cash": 0,
        "value": 0, "currency": "CNY", "tier": "silver", "details": "{}", "draws": "{}", "slot": "", "venue": "",
        "begins": None, "booked_on": TODAY, "expires_at": datetime(2026, 7, 1, tzinfo=UTC), "captured": 3,
        "refunded": 0, "step": 2,
    }  # fmt: skip
    return Redemption(**values | fields)


def offer(**fields: Any) -> Offer:
    name = Title(en="An hour", zh="一小时")
    return Offer(**{"code": "bamboo_hour", "kind": "spa", "name": name, "voucher": True} | fields)


def journal(owner: Member, kind: str = "hold_captured") -> Journal:
    return Journal(MINT(0), owner.member_id, 2, kind, TODAY, "", "desk", None, None, 0)


def redeem(one: Voucher, **fields: Any) -> RedeemVoucher:
    request = RedeemVoucherRequest(property="SHA01", note="Room 2")
    command = RedeemVoucher(one.member_id, one.voucher_id, one.handed_over, request, "desk", key())
    return structs.replace(command, **fields)


def facts_of(owner: Member, *vouchers: Voucher, **fields: Any) -> Facts:
    return Facts(owner, vouchers=list(vouchers), **fields)


# --- captures -------------------------------------------------------------------------------------------------------


def test_a_capture_issues_one_for_each_unit() -> None:
    owner = member()
    captured = journal(owner)
    made = vouching.of_capture(
        redemption(owner), offer(voucher_months=3, transferable=True), 2, captured, moment()
    )

    assert [1, 2] == [one.number for one in made]
    assert {("issued", "spa", "bamboo_hour", "bamboo", True)} == {
        (one.status, one.kind, one.item, one.partner, one.transferable) for one in made
    }
    assert {(TODAY, date(2026, 9, 1))} == {(one.valid_from, one.valid_to) for one in made}
    assert {captured.journal_id} == {one.journal_id for one in made} | {one.changed_by for one in made}


@pytest.mark.parametrize(
    ("months", "slot", "details", "valid_to"),
    [
        (None, "", "{}", None),
        (None, "2026-06-24T10:00", "{}", date(2026, 6, 26)),
        (None, "2026-06-24", '{"nights": 3, "rooms": 2}', date(2026, 6, 28)),
        (None, "2026-05-20", "{}", date(2026, 6, 2)),
        (12, "2026-06-24", "{}", date(2027, 6, 1)),
    ],
)
def test_it_is_valid_for_its_months_or_to_the_day_after_use(
    months: int | None, slot: str, details: str, valid_to: date | None
) -> None:
    owner = member()
    [one] = vouching.of_capture(
        redemption(owner, slot=slot, details=details),
        offer(voucher_months=months),
        1,
        journal(owner),
        moment(),
    )

    assert valid_to == one.valid_to


def test_an_offer_without_vouchers_has_none() -> None:
    owner = member()

    assert [] == vouching.of_capture(redemption(owner), offer(voucher=False), 3, journal(owner), moment())


# --- refunds --------------------------------------------------------------------------------------------------------


def numbered(owner: Member, *statuses: Any) -> list[Voucher]:
    return [voucher(owner, number=number, status=status) for number, status in enumerate(statuses, 1)]


def test_a_refund_revokes_the_last_that_can_still_be_used_expired_ones_before() -> None:
    owner = member()
    refunded = journal(owner, "redemption_refunded")
    plain = vouching.of_refund(
        redemption(owner), numbered(owner, "issued", "issued", "redeemed"), 1, refunded
    )
    late = vouching.of_refund(redemption(owner), numbered(owner, "expired", "issued", "issued"), 2, refunded)

    assert [(2, "revoked")] == [(one.number, one.status) for one in plain]
    assert [(1, "revoked"), (3, "revoked")] == sorted((one.number, one.status) for one in late)
    assert {refunded.journal_id} == {one.changed_by for one in late}


def test_what_was_revoked_by_hand_is_refunded_first() -> None:
    owner = member()
    refunded = journal(owner, "redemption_refunded")
    vouchers = numbered(owner, "revoked", "issued", "issued")

    assert [] == vouching.of_refund(redemption(owner), vouchers, 1, refunded)
    assert [3] == [one.number for one in vouching.of_refund(redemption(owner), vouchers, 2, refunded)]


def test_what_was_redeemed_is_not_refunded() -> None:
    owner = member()
    vouchers = numbered(owner, "redeemed", "issued", "redeemed")
    problem = vouching.check_refund(redemption(owner), vouchers, 2)

    assert problem is not None
    assert ("voucher_used", {"refundable": 1}) == (problem.code, problem.numbers)
    assert None is vouching.check_refund(redemption(owner), vouchers, 1)
    assert None is vouching.check_refund(redemption(owner), [], 3)


statuses = st.sampled_from(["issued", "redeemed", "expired", "revoked"])


@given(st.lists(statuses, min_size=1, max_size=6), st.lists(st.integers(1, 3), max_size=4))
def test_however_much_is_refunded_there_is_a_voucher_for_what_is_left(
    kinds: list[str], refunds: list[int]
) -> None:
    owner = member()
    vouchers = {one.number: one for one in numbered(owner, *kinds)}
    whole = redemption(owner, quantity=len(kinds), captured=len(kinds))
    for quantity in refunds:
        now = list(vouchers.values())
        if quantity > whole.captured - whole.refunded or vouching.check_refund(whole, now, quantity):
            continue
        for one in vouching.of_refund(whole, now, quantity, journal(owner)):
            vouchers[one.number] = one
        whole = structs.replace(whole, refunded=whole.refunded + quantity)
    found = [one.status for one in vouchers.values()]

    assert found.count("revoked") >= whole.refunded
    assert found.count("redeemed") == kinds.count("redeemed")
    assert found.count("revoked") == max(kinds.count("revoked"), whole.refunded)


# --- redeemed -------------------------------------------------------------------------------------------------------


def test_it_is_redeemed_by_a_journal_that_names_it_and_moves_nothing() -> None:
    owner = member()
    one = voucher(owner)
    done = decided(redeem_voucher.decide(facts_of(owner, one), RULES, redeem(one), moment()))
    assert done.book is not None
    [written] = done.book.journals

    assert ("voucher_redeemed", f"{show('vch', one.voucher_id)}: bamboo_hour SHA01: Room 2") == (
        written.kind, written.reason,
    )  # fmt: skip
    assert [] == done.book.transfers
    assert [structs.replace(one, status="redeemed", property="SHA01", changed_by=written.journal_id)] == (
        done.vouchers
    )
    assert ["voucher.redeemed"] == [event.type for event in done.events]
    assert b"code" not in msgspec.json.encode(
        [*msgspec.json.decode(done.answer.body)["voucher"], done.events[0].payload.decode()]
    )


REFUSALS: dict[str, tuple[dict[str, Any], str]] = {
    "one that was redeemed": ({"status": "redeemed", "property": "SHA01"}, "voucher_redeemed"),
    "one that was revoked": ({"status": "revoked"}, "voucher_revoked"),
    "one that has expired": ({"status": "expired"}, "voucher_expired"),
    "one whose time is up today": ({"valid_to": TODAY}, "voucher_expired"),
}


@pytest.mark.parametrize("what", REFUSALS)
def test_nothing_is_done_with(what: str) -> None:
    fields, code = REFUSALS[what]
    owner = member()
    one = voucher(owner, **fields)
    revoking = RevokeVoucher(
        owner.member_id, one.voucher_id, 0, RevokeVoucherRequest("Stolen"), "desk", key()
    )
    handing = HandOver(owner.member_id, one.voucher_id, 0, None, "desk", key())
    facts = facts_of(owner, one)

    assert {code} == {
        refused(redeem_voucher.decide(facts, RULES, redeem(one), moment()))[0],
        refused(revoke_voucher.decide(facts, RULES, revoking, moment()))[0],
        refused(hand_over.decide(facts, RULES, handing, moment()))[0],
    }


def test_the_day_before_its_time_is_up_it_is_redeemed() -> None:
    owner = member()
    one = voucher(owner, valid_to=TODAY + timedelta(days=1))

    assert isinstance(redeem_voucher.decide(facts_of(owner, one), RULES, redeem(one), moment()), Decision)


def commands_on(one: Voucher) -> list[tuple[Any, Any]]:
    """Return what can be done with a voucher: what decides, and the command."""
    revoking = RevokeVoucher(one.member_id, one.voucher_id, 0, RevokeVoucherRequest("Stolen"), "desk", key())
    return [
        (redeem_voucher.decide, redeem(one, handed_over=0)),
        (revoke_voucher.decide, revoking),
        (hand_over.decide, HandOver(one.member_id, one.voucher_id, 0, None, "desk", key())),
    ]


def test_a_code_that_is_void_is_unknown() -> None:
    owner = member()
    one = voucher(owner, handed_over=1)
    for decide, command in commands_on(one):
        for facts in (facts_of(owner, one), facts_of(owner), Facts(None)):
            assert "unknown_voucher" == refused(decide(facts, RULES, command, moment()))[0]


def test_a_key_is_answered_the_same_whatever_became_of_the_voucher() -> None:
    owner = member()
    one = voucher(owner, status="redeemed")
    for decide, command in commands_on(one):
        facts = facts_of(owner, one, prior=Prior(command.key.fingerprint, 200, b"{}"))
        again = decided(decide(facts, RULES, command, moment()))

        assert (True, b"{}") == (again.answer.replayed, again.answer.body)


# --- rewards --------------------------------------------------------------------------------------------------------


def reward(owner: Member, **fields: Any) -> GrantedReward:
    values: dict[str, Any] = {
        "reward_id": MINT(0), "member_id": owner.member_id, "milestone": "year_nights", "period": "2026", "ordinal": 1,
        "part": 1, "program": "small@1", "status": "issued", "kind": "voucher", "code": "spa", "points": 0,
        "granted_on": TODAY, "choose_by": None, "valid_to": date(2026, 7, 1), "journal_id": MINT(0),
        "changed_by": MINT(0),
    }  # fmt: skip
    return GrantedReward(**values | fields)


def test_redeeming_the_voucher_of_a_reward_uses_the_reward_by_the_same_journal() -> None:
    owner = member()
    row, other = reward(owner), reward(owner, part=2)
    one = vouching.of_reward(row)
    assert one is not None
    facts = facts_of(owner, one, rewards=[row, other])
    done = decided(redeem_voucher.decide(facts, RULES, redeem(one), moment()))

    assert [("used", row.reward_id)] == [(each.status, each.reward_id) for each in done.rewards]
    assert {done.vouchers[0].changed_by} == {each.changed_by for each in done.rewards}
    assert ["voucher.redeemed", "reward.used"] == [event.type for event in done.events]
    assert done.vouchers == vouching.written(done)


def test_revoking_the_voucher_of_a_reward_ends_the_reward() -> None:
    owner = member()
    row = reward(owner)
    one = vouching.of_reward(row)
    assert one is not None
    command = RevokeVoucher(owner.member_id, one.voucher_id, 0, RevokeVoucherRequest("Stolen"), "desk", key())
    done = decided(revoke_voucher.decide(facts_of(owner, one, rewards=[row]), RULES, command, moment()))

    assert ["expired"] == [each.status for each in done.rewards]
    assert ["revoked"] == [each.status for each in vouching.written(done)]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("issued", "issued"), ("used", "redeemed"), ("flagged", "redeemed"), ("expired", "expired"),
     ("revoked", "revoked")],
)  # fmt: skip
def test_the_voucher_of_a_reward_is_what_the_reward_is(status: str, expected: str) -> None:
    row = reward(member(), status=status)
    one = vouching.of_reward(row)
    assert one is not None

    assert (expected, row.reward_id, "hotel", False) == (
        one.status,
        one.voucher_id,
        one.partner,
        one.transferable,
    )


def test_points_and_open_choices_have_no_voucher() -> None:
    owner = member()

    assert None is vouching.of_reward(reward(owner, kind="points", code="bonus", points=200))
    assert None is vouching.of_reward(reward(owner, kind="", code="", status="open"))


# --- hand over ------------------------------------------------------------------------------------------------------


def test_a_hand_over_makes_another_code_for_whoever_holds_it() -> None:
    owner, taker = member(), MINT(0)
    one = voucher(owner)
    to_taker = HandOver(owner.member_id, one.voucher_id, 0, taker, "site", key())
    first = decided(hand_over.decide(facts_of(owner, one), RULES, to_taker, moment())).vouchers[0]
    on = HandOver(owner.member_id, one.voucher_id, 1, None, "site", key())
    second = decided(hand_over.decide(facts_of(owner, first), RULES, on, moment())).vouchers[0]

    assert ("issued", 1, taker) == (first.status, first.handed_over, first.holder_id)
    assert ("issued", 2, None) == (second.status, second.handed_over, second.holder_id)
    assert (None, taker) == (first.giver_id, second.giver_id)
    assert owner.member_id == second.member_id


def test_what_is_for_the_member_alone_is_not_handed_over_nor_to_who_has_it() -> None:
    owner = member()
    own = voucher(owner, transferable=False)
    one = voucher(owner)
    back = HandOver(owner.member_id, one.voucher_id, 0, owner.member_id, "site", key())
    own_back = structs.replace(back, voucher_id=own.voucher_id)

    assert "not_transferable" == refused(hand_over.decide(facts_of(owner, own), RULES, own_back, moment()))[0]
    assert "same_member" == refused(hand_over.decide(facts_of(owner, one), RULES, back, moment()))[0]


# --- time -----------------------------------------------------------------------------------------------------------


def test_the_job_expires_what_is_due_with_effect_from_its_day() -> None:
    owner = member()
    due = [voucher(owner, valid_to=date(2026, 5, day)) for day in (20, 25)]
    done = decided(lapse.decide(facts_of(owner, *due), RULES, Lapse(owner.member_id), moment()))
    assert done.book is not None

    assert [("voucher_expired", date(2026, 5, 20)), ("voucher_expired", date(2026, 5, 25))] == [
        (each.kind, each.effective_on) for each in done.book.journals
    ]
    assert ["expired", "expired"] == [one.status for one in done.vouchers]
    assert ["voucher.expired"] * 2 == [event.type for event in done.events]


def test_the_guide_says_what_may_happen() -> None:
    text = (Path(__file__).parents[2] / "docs" / "guides" / "vouchers.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| `(\w+)` \| `(\w+)` \|$", text, re.MULTILINE)

    assert MOVES == {(status, what): then for status, what, then in rows}


def test_nothing_happens_twice() -> None:
    assert {"redeemed", "revoked"} & {status for status, _ in MOVES} == set()
    assert None is may(voucher(member(), status="redeemed"), "redeemed")
    with pytest.raises(AssertionError, match="can't be redeemed"):
        vouching.changed(voucher(member(), status="expired"), "redeemed", journal(member()))


# --- benefits -------------------------------------------------------------------------------------------------------


def use(owner: Member, times: int, **fields: Any) -> Decision:
    request = UseRequest(times=times, voucher=True)
    command = UseBenefit(owner.member_id, "meeting_room", request, "desk", key())
    return decided(benefit.decide_use(facts_of(owner, **fields), RULES, command, moment()))


def give_back(owner: Member, times: int, *vouchers: Voucher) -> Decision | Problem:
    command = ReturnBenefit(owner.member_id, "meeting_room", ReturnRequest(times=times), "desk", key())
    result = benefit.decide_return(facts_of(owner, *vouchers), RULES, command, moment())
    assert isinstance(result, Decision | Problem)
    return result


def qualified() -> Member:
    """A member whose tier brings the benefit twice a year."""
    return member(counters=counted({"2026-02-01": {"nights": 40, "spend": 90_000}}))


def test_each_use_gives_a_voucher_for_the_rest_of_the_year() -> None:
    done = use(qualified(), 2)

    assert {("benefit", "meeting_room", "hotel", date(2027, 1, 1))} == {
        (one.source, one.item, one.partner, one.valid_to) for one in done.vouchers
    }
    assert [show("vch", one.voucher_id) for one in done.vouchers] == msgspec.json.decode(done.answer.body)[
        "vouchers"
    ]
    assert ["benefit.used", "voucher.issued", "voucher.issued"] == [event.type for event in done.events]


def test_giving_a_use_back_revokes_what_was_not_redeemed_and_no_more_than_that() -> None:
    owner = qualified()
    first, second = use(owner, 2).vouchers
    used = structs.replace(first, status="redeemed")
    done = give_back(owner, 1, used, second)

    assert isinstance(done, Decision)
    assert [(second.voucher_id, "revoked")] == [(one.voucher_id, one.status) for one in done.vouchers]
    gone = structs.replace(second, status="revoked")
    problem = give_back(owner, 1, used, gone)
    assert isinstance(problem, Problem)
    assert ("voucher_used", {"refundable": 0}) == (problem.code, problem.numbers)


def test_the_voucher_of_a_merged_account_keeps_its_use() -> None:
    owner = qualified()
    [theirs] = use(qualified(), 1).vouchers
    use(owner, 1)
    problem = give_back(owner, 1, theirs)

    assert isinstance(problem, Problem)
    assert "voucher_used" == problem.code
