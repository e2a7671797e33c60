"""Enrolling a member: the refusals in their order, then a first journal."""

from datetime import date

from loyalty.commands.enrol import decide
from loyalty.commands.model import Answer, Facts, Prior
from loyalty.ids import show
from loyalty.members.model import SealedProfile
from tests.builders import decided, enrol, key, member, moment, refused, reply, small_rules

RULES = small_rules()
NOW = moment(date(2026, 6, 1))


def test_a_key_that_was_used_for_something_else_is_refused_before_anything_else() -> None:
    facts = Facts(member(), prior=Prior(key(body=b"another").fingerprint, 201, b"{}"))

    assert ("idempotency_key_reused", "") == refused(decide(facts, RULES, enrol(), NOW))


def test_a_retry_is_answered_as_the_first_although_the_number_is_now_taken() -> None:
    facts = Facts(member(), prior=Prior(key().fingerprint, 201, b'{"first":true}'))

    assert Answer(201, b'{"first":true}', replayed=True) == decided(decide(facts, RULES, enrol(), NOW)).answer


def test_a_number_that_is_taken_is_refused() -> None:
    assert ("number_taken", "/number") == refused(decide(Facts(member()), RULES, enrol(), NOW))


def test_a_number_that_is_taken_is_refused_without_a_key_too() -> None:
    assert ("number_taken", "/number") == refused(decide(Facts(member()), RULES, enrol(key=None), NOW))


def test_a_member_begins_with_nothing_and_one_journal() -> None:
    command = enrol("T9", shard=2)
    decision = decided(decide(Facts(None), RULES, command, NOW))

    assert decision.book is not None
    new = decision.book.member
    assert (2, "T9", "active", 1, 0, 0, 0, {}, None) == (
        new.shard, new.number, new.status, new.version, new.available, new.held, new.debt, new.counters,
        new.next_expiry,
    )  # fmt: skip
    assert [("enrolled", 1, date(2026, 6, 1))] == [
        (one.kind, one.version, one.effective_on) for one in decision.book.journals
    ]
    assert decision.enrolled


def test_the_reply_names_the_member_and_nothing_personal() -> None:
    sealed = SealedProfile(b"key", name=b"sealed")
    command = enrol("T9", enrolled_on=date(2020, 2, 29), profile=sealed)
    decision = decided(decide(Facts(None), RULES, command, NOW))

    assert {
        "member_id": show("mem", command.member_id), "number": "T9", "status": "active", "enrolled_on": "2020-02-29",
    } == reply(decision)  # fmt: skip
    assert sealed == decision.profile
    assert [("member.enrolled", decision.answer.body)] == [(one.type, one.payload) for one in decision.events]
