"""The commands of redemptions: refusals in their order, and what each step posts."""

from datetime import UTC, date, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from msgspec import structs

from loyalty.commands import capture, expire_hold, extend, hold, mint_token, refund, release, verbs
from loyalty.commands.capture import Capture, CaptureRequest
from loyalty.commands.expire_hold import ExpireHold
from loyalty.commands.extend import Extend, ExtendRequest
from loyalty.commands.hold import Hold, RedemptionRequest
from loyalty.commands.mint_token import MintToken
from loyalty.commands.model import Alias, Answer, Decision, Facts, Prior, Short
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import Refund, RefundRequest
from loyalty.commands.release import Release, ReleaseRequest
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.model import Member
from loyalty.ledger.rules import Book
from loyalty.partners.model import Contract, Limit, Offer, Partner, Price, Stock, Title
from loyalty.partners.offers import Listing, Taken
from loyalty.partners.redemption import Token
from tests.builders import decided, key, lot, member, moment, moves, refused, reply, small_rules

RULES = small_rules()
TODAY = date(2026, 6, 1)
NOW = moment(TODAY)
SOON, LATER = date(2026, 7, 1), date(2026, 9, 1)
SITE, STAFF, MUSEUM = Caller("site"), Caller("staff", operator=True), Caller("museum", partner="museum")
NAME = Title("Water lilies", "睡莲")
TICKET = Offer(
    code="monet", kind="exhibition", partner="museum", name=NAME, prices=(Price(points=10, cash="1.00"),),
    stock=Stock(per="date", amount=5), events=("monet",), refundable_until_hours=24,
)  # fmt: skip
DAY = "stock:monet/2026-06-20"
PLENTY = {DAY: 5}


def listing(**changes: Any) -> Listing:
    whose = Partner(code="museum", name=NAME, contract=Contract("CNY", "0.0125"))
    return Listing(
        structs.replace(TICKET, **changes), 1, whose, ZoneInfo("UTC"), "CNY", 2, Fraction("0.0125")
    )


def holding(points: int = 100, offer: Listing | None = None, **fields: Any) -> Facts:
    """Return what a hold may look at: a member with points, half of them soon to expire, and five tickets."""
    owner = member(available=points, **fields)
    lots = [lot(owner, points // 2, SOON), lot(owner, points - points // 2, LATER)] if points > 0 else []
    return Facts(owner, lots=lots, listing=offer or listing(), budgets=dict(PLENTY))


def asked(seats: int = 2, caller: Caller = SITE, **changes: Any) -> Hold:
    details = {"event": "monet", "date": "2026-06-20", "seats": seats}
    request = RedemptionRequest(offer="monet", details=details, member="T1")
    token = changes.pop("token_hash", None)
    return Hold("T1", structs.replace(request, **changes), caller, key(), token)


def run(facts: Facts, command: Hold) -> Any:
    return hold.decide(facts, RULES, command, NOW)


def owner_of(facts: Facts) -> Member:
    assert facts.member is not None
    return facts.member


def book_of(done: Decision) -> Book:
    assert done.book is not None
    return done.book


def token(owner: Member, **changes: Any) -> Token:
    one = Token(
        b"h" * 32, owner.member_id, "museum", 20, NOW.at - timedelta(minutes=1), "site", NOW.at + timedelta(minutes=9)
    )  # fmt: skip
    return structs.replace(one, **changes)


# --- hold: refusals, in their order -------------------------------------------------------------------------------


def test_a_key_that_was_used_is_answered_as_it_was() -> None:
    facts = Facts(None, prior=Prior(key().fingerprint, 201, b'{"first":true}'))

    assert Answer(201, b'{"first":true}', replayed=True) == decided(run(facts, asked())).answer
    assert ("idempotency_key_reused", "") == refused(
        run(Facts(None, prior=Prior(b"another", 201, b"{}")), asked())
    )


def test_refusals_come_in_the_order_that_the_docstring_lists() -> None:
    facts = Facts(None)
    seen = [refused(run(facts, asked(caller=STAFF, max_points=1)))]
    facts.member = member(status="closed", available=0)
    seen.append(refused(run(facts, asked(caller=structs.replace(STAFF, person=facts.member.member_id)))))
    seen.append(refused(run(facts, asked(caller=STAFF, max_points=1))))
    command = asked(caller=STAFF, reason="At the desk", max_points=1)
    seen.append(refused(run(facts, command)))
    facts.listing = listing(status="suspended")
    seen.append(
        refused(run(facts, structs.replace(command, request=structs.replace(command.request, quantity=3))))
    )
    seen.append(refused(run(facts, command)))
    command = asked(caller=STAFF, reason="At the desk", reference="T-1")
    seen.append(refused(run(facts, command)))
    facts.member.status = "active"
    seen.append(refused(run(facts, command)))
    facts.listing, facts.referenced, facts.taken = (
        listing(limits=(Limit(2),)),
        facts.member.member_id,
        [Taken(1, TODAY)],
    )
    seen.append(refused(run(facts, command)))
    facts.taken = []
    seen.append(refused(run(facts, command)))
    facts.referenced, facts.spent = None, frozenset([DAY])
    seen.append(refused(run(facts, command)))
    facts.budgets = dict(PLENTY)
    seen.append(refused(run(facts, command)))

    assert [
        ("unknown_member", "/member"), ("own_redemption", ""), ("reason_missing", "/reason"),
        ("unknown_offer", "/offer"), ("invalid_value", "/quantity"), ("price_changed", "/max_points"),
        ("member_closed", "/member"), ("offer_suspended", "/offer"), ("limit_reached", "/quantity"),
        ("reference_taken", "/reference"), ("sold_out", "/offer"), ("insufficient_points", "/member"),
    ] == seen  # fmt: skip


def test_a_partner_needs_a_token_that_holds() -> None:
    facts, command = holding(), asked(caller=MUSEUM, token_hash=b"h" * 32)
    owner = facts.member
    assert owner is not None
    wrong: list[tuple[Token | None, str]] = [
        (None, "invalid_token"),
        (token(owner, member_id=member().member_id), "invalid_token"),
        (token(owner, partner="spa"), "token_of_another_partner"),
        (token(owner, redemption_id=owner.member_id), "token_used"),
        (token(owner, expires_at=NOW.at), "token_expired"),
        (token(owner, points=19), "token_too_small"),
    ]
    for one, code in wrong:
        facts.token = one
        assert (code, "/token") == refused(run(facts, command))
    facts.token = token(owner)
    done = decided(run(facts, command))

    assert [done.redemptions[0].redemption_id] == [one.redemption_id for one in done.tokens]
    assert "balance" not in reply(done)


def test_consent_is_of_one_account_whoever_stands_for_that_by_now() -> None:
    survivor = member().member_id
    facts = holding(
        traits=structs.replace(member().traits, merged_into=show("mem", survivor)), status="closed"
    )
    owner = owner_of(facts)
    facts.token = token(owner)
    commands = (
        asked(caller=MUSEUM, token_hash=b"h" * 32),
        MintToken(owner.member_id, token(owner), SITE, key()),
        asked(),
    )
    by_token, minted, by_name = (verbs.decide(facts, RULES, command, NOW) for command in commands)

    assert ["token_of_merged_account", "member_closed"] == [
        reply(decided(refusal))["code"] for refusal in (by_token, minted)
    ]
    assert Alias(survivor) == by_name


def test_an_offer_of_another_partner_is_not_a_partners_to_redeem() -> None:
    facts = holding()
    facts.token = token(owner_of(facts), partner="spa")

    assert ("forbidden_partner", "/offer") == refused(
        run(facts, asked(caller=Caller("spa", partner="spa"), token_hash=b"h" * 32))
    )


def test_who_was_merged_into_the_account_can_not_redeem_for_it_either() -> None:
    old = member().member_id
    facts = holding(traits=structs.replace(member().traits, merged=(show("mem", old),)))

    assert ("own_redemption", "") == refused(run(facts, asked(caller=structs.replace(STAFF, person=old))))


def test_stock_that_is_not_at_hand_is_asked_for_before_anything_is_changed() -> None:
    facts = holding()
    facts.budgets = {DAY: 1}

    assert Short(DAY, 1, opens=5) == run(facts, asked())
    facts.spent, facts.left = frozenset([DAY]), {DAY: 1}
    problem = run(facts, asked())
    assert ({"left": 1}, 1) == (problem.numbers, owner_of(facts).version)


def test_too_few_points_say_how_many_are_missing_and_what_would_expire() -> None:
    problem = run(holding(16), asked())
    assert isinstance(problem, Problem)

    assert {"missing": 4, "available": 16, "expiring": 8} == problem.numbers


# --- hold: what it posts ------------------------------------------------------------------------------------------


def test_a_hold_sets_points_aside_and_takes_tickets() -> None:
    done = decided(run(holding(30), asked(reference="T-1", max_points=20)))
    one = done.redemptions[0]

    assert [("points", "hold", "available", "held", 20)] == moves(done)
    assert ("held", 2, 20, 200, 25, "T-1") == (
        one.status, one.quantity, one.points, one.cash, one.value, one.reference,
    )  # fmt: skip
    assert ({DAY: 2}, [(1, "held")]) == (done.budgets, [(step.step, step.kind) for step in done.steps])
    assert ["redemption.held"] == [event.type for event in done.events]
    assert "monet T-1" == book_of(done).journals[-1].reason
    assert {"available": 10, "pending": 0, "held": 20, "debt": 0} == reply(done)["balance"]
    assert NOW.at + timedelta(minutes=60) == one.expires_at


def test_with_capture_both_steps_are_one_decision() -> None:
    done = decided(run(holding(), asked(capture=True)))

    assert [("hold", "held"), ("capture", "partner:museum")] == [(one[1], one[3]) for one in moves(done)]
    assert ["held", "captured"] == [step.kind for step in done.steps]
    assert [("captured", 2, 2)] == [(one.status, one.captured, one.step) for one in done.redemptions]
    assert (0, 80) == (book_of(done).member.held, book_of(done).member.available)


def test_an_operators_reason_is_recorded() -> None:
    done = decided(run(holding(), asked(caller=STAFF, reason="At the desk")))

    assert "monet: At the desk" == book_of(done).journals[-1].reason
    assert "At the desk" == done.steps[0].reason


# --- the steps ----------------------------------------------------------------------------------------------------


def after(done: Decision, offer: Listing | None = None) -> Facts:
    """Return what the next step may look at."""
    book = done.book
    assert book is not None
    by_id = {one.lot_id: one for one in [*book.changed_lots(), *book.new_lots]}
    kept: dict[Any, int] = {}
    for one in book.allocations:
        if one.kind in {"hold", "release", "refund"}:
            kept[one.lot_id] = kept.get(one.lot_id, 0) + (one.amount if one.kind == "hold" else -one.amount)
    return Facts(
        book.member, redemption=done.redemptions[0], listing=offer or listing(),
        pinned=[(by_id[lot_id], points) for lot_id, points in kept.items() if points],
    )  # fmt: skip


def held(offer: Listing | None = None, seats: int = 3, **changes: Any) -> Facts:
    return after(decided(run(holding(60, offer), asked(seats, **changes))), offer)


def named(facts: Facts) -> tuple[UUID, UUID]:
    assert facts.redemption is not None
    return facts.redemption.member_id, facts.redemption.redemption_id


def captured(facts: Facts, quantity: int | None = None, caller: Caller = SITE, at: Any = NOW) -> Any:
    return capture.decide(facts, RULES, Capture(*named(facts), CaptureRequest(quantity), caller, key()), at)


def refunded(
    facts: Facts, quantity: int | None = None, caller: Caller = SITE, at: Any = NOW, why: str = "Rain"
) -> Any:
    return refund.decide(facts, RULES, Refund(*named(facts), RefundRequest(why, quantity), caller, key()), at)


def released(facts: Facts, at: Any = NOW) -> Any:
    return release.decide(facts, RULES, Release(*named(facts), ReleaseRequest("Rain"), SITE, key()), at)


def extended(facts: Facts, until: datetime | None = None, at: Any = NOW) -> Any:
    return extend.decide(facts, RULES, Extend(*named(facts), ExtendRequest(until), SITE, key()), at)


def expired(facts: Facts, at: Any) -> Any:
    return expire_hold.decide(facts, RULES, ExpireHold(*named(facts)), at)


def at(days: int = 0, **more: int) -> Any:
    then = NOW.at + timedelta(days=days, **more)
    return structs.replace(NOW, at=then, today=then.date())


def test_a_capture_of_a_part_gives_the_rest_back_in_its_journal() -> None:
    done = decided(captured(held(), 2))

    assert [("capture", "partner:museum", 20), ("release", "available", 10)] == [
        (kind, credit, amount) for _, kind, _, credit, amount in moves(done)
    ]
    assert ({DAY: -1}, "captured", 2) == (
        done.budgets,
        done.redemptions[0].status,
        done.redemptions[0].captured,
    )
    assert [(2, 20, 200, 24)] == [(one.quantity, one.points, one.cash, one.value) for one in done.steps]


def test_the_same_instant_is_too_late_to_capture_and_right_to_expire() -> None:
    last, due = at(minutes=60), structs.replace(NOW, at=NOW.at + timedelta(minutes=60) - timedelta.resolution)

    assert ("hold_expired", "") == refused(captured(held(), at=last))
    assert ("hold_expired", "") == refused(released(held(), last))
    assert ("hold_expired", "") == refused(extended(held(), at=last))
    assert "captured" == decided(captured(held(), at=due)).redemptions[0].status
    assert [] == decided(expired(held(), due)).steps
    done = decided(expired(held(), last))
    assert ("expired", {DAY: -3}) == (done.redemptions[0].status, done.budgets)
    assert ("hold_expired", "") == refused(captured(after(done), at=last))


def test_a_hold_that_expires_late_counts_from_its_day_and_loses_what_expired_meanwhile() -> None:
    done = decided(expired(held(seats=4), at(90)))
    book = done.book
    assert book is not None

    assert [("hold_expired", TODAY), ("expired", SOON)] == [
        (one.kind, one.effective_on) for one in book.journals
    ]
    assert ["redemption.expired", "points.expired"] == [event.type for event in done.events]
    assert 30 == book.member.available


@pytest.mark.parametrize("what", [captured, released, extended])
def test_what_was_released_is_held_no_more(what: Any) -> None:
    done = after(decided(released(held())))

    assert ("redemption_not_held", "") == refused(what(done))
    assert ("redemption_not_captured", "") == refused(refunded(done))


def test_refunds_give_back_part_by_part_until_nothing_is_left() -> None:
    facts = after(decided(captured(held())))
    facts.pinned = held().pinned
    first = decided(refunded(facts, 1))
    facts.redemption = first.redemptions[0]
    second = decided(refunded(facts))

    assert [("captured", 1), ("refunded", 3)] == [
        (one.status, one.refunded) for done in (first, second) for one in done.redemptions
    ]
    assert [{DAY: -1}, {DAY: -2}] == [first.budgets, second.budgets]
    assert ("refund_above_capture", "/quantity") == refused(refunded(facts, 3))
    assert ("reason_missing", "/reason") == refused(refunded(facts, why=" "))


def test_what_was_used_is_not_on_sale_again() -> None:
    facts = after(decided(captured(held())))
    facts.pinned = held().pinned

    assert ("refund_over", "") == refused(refunded(facts, at=at(18, hours=12)))
    assert {} == decided(refunded(facts, caller=STAFF, at=at(20))).budgets


def test_what_can_not_be_refunded_takes_an_operator() -> None:
    final = listing(refundable=False)
    facts = after(decided(captured(held(final))), final)
    facts.pinned = held().pinned

    assert ("not_refundable", "") == refused(refunded(facts, caller=MUSEUM))
    assert "refunded" == decided(refunded(facts, caller=STAFF)).redemptions[0].status


def test_a_hold_is_extended_as_the_offer_allows_or_to_the_day_after_its_use() -> None:
    last = datetime(2026, 6, 22, tzinfo=UTC)
    anew = decided(extended(held(), at=at(minutes=30))).redemptions[0]

    assert (NOW.at + timedelta(minutes=90), "held", 2) == (anew.expires_at, anew.status, anew.step)
    assert last == decided(extended(held(), last)).redemptions[0].expires_at
    first = datetime.min.replace(tzinfo=timezone(timedelta(hours=12)))
    never = datetime.max.replace(tzinfo=timezone(-timedelta(hours=12)))
    for wrong in (last + timedelta.resolution, NOW.at, first, never):
        assert ("invalid_value", "/until") == refused(extended(held(), wrong))


def test_another_members_redemption_and_another_partners_are_unknown() -> None:
    facts = held()
    facts.member = member()
    other = Caller("spa", partner="spa")

    assert ("unknown_redemption", "") == refused(captured(facts))
    assert ("unknown_redemption", "") == refused(captured(held(), caller=other))
    assert ("capture_above_hold", "/quantity") == refused(captured(held(), 4))


# --- tokens -------------------------------------------------------------------------------------------------------


def test_a_token_is_written_down_without_itself() -> None:
    owner = member()
    command = MintToken(owner.member_id, token(owner), SITE, key())
    done = decided(mint_token.decide(Facts(owner), RULES, command, NOW))
    closed = mint_token.decide(Facts(member(status="closed")), RULES, command, NOW)

    assert ([command.token], {"partner", "points", "expires_at"}) == (
        done.tokens, set(msgspec.json.decode(done.answer.body)),
    )  # fmt: skip
    assert [("member_closed", ""), ("unknown_member", "")] == [
        refused(closed), refused(mint_token.decide(Facts(None), RULES, command, NOW)),
    ]  # fmt: skip
