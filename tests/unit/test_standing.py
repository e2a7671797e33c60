"""What a member is besides what the books say: tiers that were given, segments, registration for promotions."""

from datetime import date
from typing import Any

import pytest

from loyalty.commands import end_status, give_status, register, set_segments
from loyalty.commands.end_status import EndStatus
from loyalty.commands.give_status import MOST, GiveStatus, StatusRequest
from loyalty.commands.model import Facts, Prior
from loyalty.commands.register import Register
from loyalty.commands.set_segments import SegmentsRequest, SetSegments
from loyalty.ledger.model import Status, Traits
from tests.builders import PROGRAM, decided, key, member, moment, moves, refused, reply, small_rules

TODAY = date(2026, 6, 1)
YESTERDAY, TOMORROW = date(2026, 5, 31), date(2026, 6, 2)
PROMOTIONS = """
[[promotion]]
code = "spring"
name = { en = "Spring", zh = "春" }
last = 2026-06-01
registration = true
multiplier = "2"

[[promotion]]
code = "open"
name = { en = "Open", zh = "开" }
multiplier = "2"
"""
RULES = small_rules(PROGRAM + PROMOTIONS)


def given(traits: Traits = Traits(), **fields: Any) -> Any:  # noqa: B008 - frozen
    request = StatusRequest(**{"tier": "gold", "kind": "gifted", "reason": "An anniversary"} | fields)
    command = GiveStatus("T1", request, "test", key())
    return give_status.decide(Facts(member(traits=traits)), RULES, command, moment(TODAY))


def statuses(result: Any) -> tuple[Status, ...]:
    book = decided(result).book
    assert book is not None
    return book.member.traits.statuses


def test_a_tier_is_given_in_a_journal_that_moves_nothing() -> None:
    result = decided(given(last=date(2026, 12, 31)))
    assert result.book is not None

    assert (Status("gold", "gifted", TODAY, date(2026, 12, 31)),) == statuses(result)
    assert [] == moves(result)
    assert ["status_given", "gifted gold: An anniversary"] == [
        result.book.journals[0].kind,
        result.book.journals[0].reason,
    ]
    assert ["status.given"] == [event.type for event in result.events]


def test_what_was_given_before_stays() -> None:
    first = Status("platinum", "matched", date(2026, 1, 1), date(2026, 3, 1))

    assert (first, Status("gold", "gifted", TOMORROW)) == statuses(
        given(Traits(statuses=(first,)), first=TOMORROW)
    )


def test_what_was_earned_is_neither_told_nor_taken_for_given() -> None:
    earned = (Status("gold", "earned", date(2026, 1, 1)),) * MOST
    result = given(Traits(statuses=earned))

    assert (*earned, Status("gold", "gifted", TODAY)) == statuses(result)
    assert ["gifted"] == [one["kind"] for one in reply(result)["statuses"]]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"tier": "pearl"}, ("invalid_value", "/tier")),
        ({"first": TOMORROW, "last": TODAY}, ("invalid_value", "/last")),
        ({"first": date(2026, 1, 1), "last": YESTERDAY}, ("invalid_value", "/last")),
        ({"traits": Traits(statuses=(Status("gold", "gifted", TODAY),) * MOST)}, ("limit_reached", "")),
    ],
)
def test_what_makes_no_sense_is_not_given(fields: dict[str, Any], expected: tuple[str, str]) -> None:
    assert expected == refused(given(**fields))


def test_a_status_of_one_day_is_given() -> None:
    assert (Status("gold", "gifted", TODAY, TODAY),) == statuses(given(last=TODAY))


def test_a_status_is_given_once_under_its_key() -> None:
    facts = Facts(member(), prior=Prior(key().fingerprint, 201, b'{"first": true}'))
    command = GiveStatus("T1", StatusRequest("gold", "gifted", "x"), "test", key())

    assert {"first": True} == reply(give_status.decide(facts, RULES, command, moment(TODAY)))


@pytest.mark.parametrize(
    ("status", "left"),
    [
        (Status("gold", "gifted", date(2026, 1, 1)), Status("gold", "gifted", date(2026, 1, 1), YESTERDAY)),
        (Status("gold", "gifted", YESTERDAY, TOMORROW), Status("gold", "gifted", YESTERDAY, YESTERDAY)),
        (Status("gold", "gifted", TODAY), None),
        (Status("gold", "gifted", TOMORROW), None),
    ],
)
def test_a_status_ends_from_today_on(status: Status, left: Status | None) -> None:
    other = Status("gold", "matched", date(2026, 1, 1))
    over = Status("gold", "gifted", date(2025, 1, 1), date(2025, 2, 1))
    facts = Facts(member(traits=Traits(statuses=(over, status, other))))
    result = end_status.decide(facts, RULES, EndStatus("T1", "gold", "gifted", "test"), moment(TODAY))

    assert tuple(one for one in (over, left, other) if one) == statuses(result)
    assert ["status.ended"] == [event.type for event in decided(result).events]


def test_what_is_over_or_was_never_given_does_not_end() -> None:
    over = Status("gold", "gifted", date(2025, 1, 1), YESTERDAY)
    for one in (over, Status("gold", "matched", TODAY), Status("silver", "gifted", TODAY)):
        facts = Facts(member(traits=Traits(statuses=(one,))))
        command = EndStatus("T1", "gold", "gifted", "test")

        assert ("unknown_status", "") == refused(end_status.decide(facts, RULES, command, moment(TODAY)))


def segmented(*segments: str, **traits: Any) -> Any:
    facts = Facts(member(traits=Traits(**traits)))
    command = SetSegments("T1", SegmentsRequest(list(segments)), "test")
    return set_segments.decide(facts, RULES, command, moment(TODAY))


def test_segments_are_kept_in_order_and_once() -> None:
    result = decided(segmented("golf", "family", "golf", birth_month=3))
    assert result.book is not None

    assert Traits(3, ("family", "golf")) == result.book.member.traits
    assert ["family", "golf"] == reply(result)["segments"]


def test_the_same_segments_again_change_nothing() -> None:
    result = decided(segmented("golf", "family", segments=("family", "golf")))

    assert result.book is None
    assert 200 == result.answer.status


def test_segments_can_be_taken_away() -> None:
    book = decided(segmented(segments=("golf",))).book
    assert book is not None

    assert () == book.member.traits.segments


def registered(code: str, today: date = TODAY, **traits: Any) -> Any:
    facts = Facts(member(traits=Traits(**traits)))
    return register.decide(facts, RULES, Register("T1", code, "test"), moment(today))


def test_a_member_registers_up_to_the_last_day() -> None:
    result = decided(registered("spring"))
    assert result.book is not None

    assert {"spring": TODAY} == result.book.member.traits.registered
    assert 201 == result.answer.status
    assert ("promotion_over", "") == refused(registered("spring", TOMORROW))


def test_a_second_registration_changes_nothing_even_when_it_is_over() -> None:
    result = decided(registered("spring", TOMORROW, registered={"spring": date(2026, 5, 1)}))

    assert (None, 200, "2026-05-01") == (result.book, result.answer.status, reply(result)["registered_on"])


@pytest.mark.parametrize("code", ["open", "autumn"])
def test_what_asks_for_no_registration_has_none(code: str) -> None:
    assert ("unknown_promotion", "") == refused(registered(code))


def test_a_closed_account_and_an_unknown_one_get_nothing() -> None:
    closed, nobody = Facts(member(status="closed")), Facts(None)
    commands: list[tuple[Any, Any]] = [
        (give_status, GiveStatus("T1", StatusRequest("gold", "gifted", "x"), "test", key())),
        (set_segments, SetSegments("T1", SegmentsRequest(["golf"]), "test")),
        (register, Register("T1", "spring", "test")),
    ]
    for module, command in commands:
        assert ("member_closed", "") == refused(module.decide(closed, RULES, command, moment(TODAY)))
        assert ("unknown_member", "") == refused(module.decide(nobody, RULES, command, moment(TODAY)))
    ending = EndStatus("T1", "gold", "gifted", "test")
    assert ("unknown_member", "") == refused(end_status.decide(nobody, RULES, ending, moment(TODAY)))
