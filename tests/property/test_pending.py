"""Points that can't be spent at once: examples done by hand, and what holds whatever the order of things."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.commands.rulebook import Rulebook
from loyalty.program.reading import decode
from tests.builders import LATER, PROGRAM, later_rules
from tests.property.invariants import check
from tests.property.oracle import Stay
from tests.property.shell import Shell
from tests.property.strategies import MEMBERS, START, shaped, shapes

RULES = later_rules()
STAY = Stay("R-1", "T1", START - timedelta(days=1), 1, (("room", 100_00),))
"""A night that ends today and earns 100 points."""
OPENS = START + timedelta(days=LATER)


def enrolled(rules: Rulebook = RULES) -> Shell:
    shell = Shell(rules, START)
    for number in MEMBERS:
        shell.enrol(number, f"enrol-{number}")
    return shell


def shown(shell: Shell, number: str = "T1") -> tuple[int, int, list[tuple[date, int]]]:
    """Return what can be spent, what can't yet, and when it can."""
    has = shell.outlook(number)
    return has.available, has.pending, has.opening


def written(shell: Shell, number: str = "T1") -> tuple[int, int, int]:
    """Return what is on file as available, as pending and as debt."""
    member = shell.find(number)
    assert member is not None
    return member.available, member.pending, member.debt


def kinds(shell: Shell) -> list[str]:
    return [journal.kind for journal, _ in shell.journals if journal.kind != "enrolled"]


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_points_open_so_many_days_after_check_out_and_not_a_day_before() -> None:
    shell = enrolled()
    reply = shell.post(STAY)
    refused = shell.adjust("T1", -1, "too early")
    shell.travel(LATER - 1)
    eve = shown(shell)
    shell.travel(1)

    assert (0, 100) == (reply["available"], reply["pending"])
    assert {"code": "insufficient_points"} == refused
    assert (0, 100, [(OPENS, 100)]) == eve
    assert (100, 0, []) == shown(shell)
    assert (0, 100, 0) == written(shell)
    check(shell)


def test_they_open_in_a_journal_of_their_own_with_effect_from_their_day() -> None:
    shell = enrolled()
    shell.post(STAY)
    shell.travel(LATER + 5)
    shell.expire("T1")
    shell.expire("T1")
    journal, _ = shell.journals[-1]
    moved = [(one.kind, one.debit, one.credit, one.amount) for one in shell.transfers if one.unit == "points"]

    assert ["stay_posted", "matured"] == kinds(shell)
    assert ("matured", OPENS, 100) == (journal.kind, journal.effective_on, journal.balance)
    assert [("base", "issued", "pending", 100), ("maturity", "pending", "available", 100)] == moved
    check(shell)


def test_any_command_opens_what_is_due_before_anything_else() -> None:
    shell = enrolled()
    shell.post(STAY)
    shell.travel(LATER)
    spent = shell.adjust("T1", -70, "spend")

    assert (30, 0) == (spent["available"], spent["pending"])
    assert ["stay_posted", "matured", "adjusted"] == kinds(shell)
    check(shell)


def test_points_posted_after_their_day_can_be_spent_at_once() -> None:
    shell = enrolled()
    shell.post(replace(STAY, arrival=START - timedelta(days=LATER + 1)))

    assert (100, 0, 0) == written(shell)
    assert ["stay_posted"] == kinds(shell)
    check(shell)


def test_debt_is_repaid_when_points_open_and_not_before() -> None:
    # 100 are spent, then the stay is cancelled: 100 are owed. Of the next 130 these are repaid 20 days later.
    shell = enrolled()
    shell.post(replace(STAY, arrival=START - timedelta(days=LATER + 1)))
    shell.adjust("T1", -100, "spend")
    shell.post(replace(STAY, arrival=START - timedelta(days=LATER + 1), status="cancelled"))
    shell.post(replace(STAY, ref="R-2", lines=(("room", 130_00),)))
    owing = written(shell)
    shell.travel(LATER)
    seen = shown(shell)
    shell.expire("T1")

    assert (-100, 130, 100) == owing
    assert (30, 0, []) == seen
    assert (30, 0, 0) == written(shell)
    assert [30] == list(shell.open_points().values())
    check(shell)


def test_a_stay_cancelled_while_its_points_are_pending_touches_nothing_else() -> None:
    shell = enrolled()
    shell.adjust("T1", 500, "credit")
    shell.post(STAY)
    shell.post(replace(STAY, status="cancelled"))
    moved = [(one.debit, one.credit) for one in shell.transfers if one.kind == "base"]

    assert (500, 0, 0) == written(shell)
    assert [("issued", "pending"), ("pending", "issued")] == moved
    check(shell)


def test_a_revision_takes_from_what_is_pending_by_kind() -> None:
    # A gold member's 1,000 with 250 on top become 400 with 100: both kinds go down on the pending account.
    shell = enrolled()
    shell.post(replace(STAY, ref="R-2", arrival=START - timedelta(days=60), nights=4, lines=()))
    shell.post(replace(STAY, lines=(("room", 1000_00),)))
    before = written(shell)
    shell.post(replace(STAY, lines=(("room", 400_00),), revision=1))
    moved = [
        (one.kind, one.debit, one.credit, one.amount) for one in shell.transfers[-4:] if one.unit == "points"
    ]

    assert (0, 1250, 0) == before
    assert (0, 500, 0) == written(shell)
    assert [("base", "pending", "issued", 600), ("tier_bonus", "pending", "issued", 150)] == moved
    check(shell)


def test_a_stay_reversed_after_its_points_were_spent_is_owed() -> None:
    shell = enrolled()
    shell.post(STAY)
    shell.travel(LATER)
    shell.adjust("T1", -70, "spend")
    shell.post(replace(STAY, status="cancelled"))

    assert (-70, 0, 70) == written(shell)
    check(shell)


def test_another_stay_s_pending_points_pay_for_no_reversal() -> None:
    shell = enrolled()
    early = replace(STAY, ref="R-2", arrival=START - timedelta(days=LATER + 1))
    shell.post(early)
    shell.adjust("T1", -100, "spend")
    shell.post(STAY)
    shell.post(replace(early, status="cancelled"))

    assert (-100, 100, 100) == written(shell)
    check(shell)


def test_what_expires_before_it_opens_expires_while_it_is_pending() -> None:
    # The checks refuse such a program; the books bear it all the same.
    definition = decode(PROGRAM)
    never = structs.replace(definition, earning=structs.replace(definition.earning, pending_days=120))
    shell = enrolled(Rulebook(never))
    shell.post(STAY)
    shell.travel(100)
    gone = shown(shell)
    shell.expire("T1")
    lost = [(one.kind, one.debit, one.credit, one.amount) for one in shell.transfers][-1]
    shell.travel(30)
    shell.post(replace(STAY, status="cancelled"))

    assert (0, 0, []) == gone
    assert ("expiry", "pending", "expired", 100) == lost
    assert ["stay_posted", "expired", "stay_reversed"] == kinds(shell)
    assert (0, 0, 0) == written(shell)
    check(shell)


def test_what_opened_and_expired_unseen_does_both_on_its_days() -> None:
    shell = enrolled()
    shell.post(STAY)
    shell.travel(400)
    shell.expire("T1")

    assert ["stay_posted", "matured", "expired"] == kinds(shell)
    assert (0, 0, 0) == written(shell)
    check(shell)


def test_a_stay_that_moves_is_pending_with_its_new_member() -> None:
    shell = enrolled()
    shell.post(replace(STAY, revision=1))
    shell.post(replace(STAY, revision=2, member="T2"))

    assert (0, 0, 0) == written(shell)
    assert (0, 100, 0) == written(shell, "T2")
    check(shell)


# --- whatever the order -----------------------------------------------------------------------------------------------

lives = st.lists(
    st.one_of(st.tuples(st.just("post"), shapes), st.tuples(st.just("travel"), st.sampled_from([1, 15, 30]))),
    max_size=8,
)
"""What may have happened before: nothing that spends, as what is owed is repaid by what opens first."""
waits = st.sampled_from([0, 1, 5, LATER - 1, LATER, 30, 60, 100])


def lived(life: list[tuple[str, Any]]) -> Shell:
    shell = enrolled()
    for kind, what in life:
        if kind == "post":
            shell.post(shaped(what, shell.today))
        else:
            shell.travel(what)
    return shell


def settled(shell: Shell) -> Any:
    for number in MEMBERS:
        shell.expire(number)
    check(shell)
    return shell.snapshot()


@given(lives, shapes, waits)
def test_earning_then_reversing_restores_everything_whether_or_not_points_have_opened_between(
    life: list[tuple[str, Any]], shape: dict[str, Any], wait: int
) -> None:
    with_it, without = lived(life), lived(life)
    stay = replace(shaped(shape, with_it.today), ref="OWN")
    with_it.post(replace(stay, revision=1))
    for shell in (with_it, without):
        shell.travel(wait)
    with_it.post(replace(stay, revision=2, status="cancelled"))

    assert settled(without) == settled(with_it)


@given(st.lists(shapes, min_size=1, max_size=5), st.data())
def test_revisions_in_any_order_on_any_day_end_in_the_same_state(
    told: list[dict[str, Any]], data: st.DataObject
) -> None:
    revisions = [
        replace(shaped(shape, START), ref="OWN", member="T1", revision=number)
        for number, shape in enumerate(told)
    ]
    shuffled = data.draw(st.permutations(revisions + revisions[:2]))
    pauses = data.draw(st.lists(st.integers(0, 9), min_size=len(shuffled), max_size=len(shuffled)))
    in_order, mixed = enrolled(), enrolled()
    for stay in revisions:
        in_order.post(stay)
    for stay, days in zip(shuffled, pauses, strict=True):
        mixed.post(stay)
        mixed.travel(days)
    in_order.travel((mixed.today - in_order.today).days)

    assert settled(in_order) == settled(mixed)


@given(lives, st.lists(shapes, max_size=6), st.data())
def test_the_order_of_posting_is_the_same_to_what_is_pending_and_what_is_not(
    life: list[tuple[str, Any]], told: list[dict[str, Any]], data: st.DataObject
) -> None:
    # The tier that a stay is judged by follows from what came before it: stays without nights or spend change none.
    stays = [
        replace(
            shaped(shape, START), ref=f"OWN-{place}", nights=0, channel="direct", lines=(("laundry", 10_00),)
        )
        for place, shape in enumerate(told)
    ]
    one, other = lived(life), lived(life)
    for stay in stays:
        one.post(stay)
    for stay in data.draw(st.permutations(stays)):
        other.post(stay)
        other.expire(stay.member)

    assert settled(one) == settled(other)
