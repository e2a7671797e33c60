"""Points that lapse when nothing is done with them: examples done by hand."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from loyalty.commands.rulebook import Rulebook, join
from loyalty.ledger.model import Status
from loyalty.worker import expire_due
from tests.builders import PROGRAM, changed, small_rules
from tests.property.invariants import check
from tests.property.live import LiveBooks, opened
from tests.property.oracle import Stay, months_later
from tests.property.shell import Shell
from tests.property.strategies import START


def rules(expiry: str = "", version: int = 1) -> Rulebook:
    """Return the small program in which points lapse after 2 months, or as `expiry` says."""
    return small_rules(changed(PROGRAM, version=str(version), months=expiry or "6\ninactivity_months = 2"))


RULES = rules()
STAY = Stay("R-1", "T1", START - timedelta(days=1), 1, (("room", 100_00),))
LAPSES = months_later(START, 2)


def opened_on(day: date = START, program: Rulebook = RULES) -> Shell:
    shell = Shell(program, day)
    shell.enrol("T1", "enrol")
    return shell


def to(shell: Shell, day: date) -> None:
    shell.travel((day - shell.today).days)


def state(shell: Shell) -> tuple[int, date | None]:
    member = shell.find("T1")
    assert member is not None
    return member.available, member.active_on


def kinds(shell: Shell) -> list[tuple[str, date]]:
    return [(one.kind, one.effective_on) for one, _ in shell.journals if one.kind != "enrolled"]


def test_all_points_lapse_so_many_months_after_the_last_activity_whatever_their_own_day() -> None:
    shell = opened_on()
    shell.post(STAY)
    shell.adjust("T1", 50, "credit")
    to(shell, LAPSES - timedelta(days=1))
    eve = shell.outlook("T1")
    to(shell, LAPSES + timedelta(days=9))
    seen = shell.outlook("T1")
    shell.expire("T1")

    assert (150, [(LAPSES, 150)]) == (eve.available, eve.expiring)
    assert (0, []) == (seen.available, seen.expiring)
    assert (0, LAPSES) == state(shell)
    assert ("lapsed", LAPSES) == kinds(shell)[-1]
    check(shell)


def test_the_hard_cap_of_a_lot_holds_although_something_is_done() -> None:
    shell = opened_on(program=rules("3\ninactivity_months = 2"))
    shell.post(STAY)
    to(shell, months_later(START, 1))
    shell.adjust("T1", -10, "spend")
    to(shell, months_later(START, 3))
    shell.expire("T1")

    assert ("expired", months_later(START, 3)) == kinds(shell)[-1]
    assert 0 == state(shell)[0]
    check(shell)


def test_a_debit_and_a_stay_keep_points_alive_and_a_credit_doesn_t() -> None:
    shell = opened_on()
    shell.post(STAY)
    noted = [state(shell)[1]]
    for kind in ("credit", "debit", "stay"):
        shell.travel(10)
        if kind == "stay":
            shell.post(replace(STAY, ref="R-2", arrival=shell.today - timedelta(days=3)))
        else:
            shell.adjust("T1", 5 if kind == "credit" else -5, kind)
        noted.append(state(shell)[1])

    assert [START, START, START + timedelta(days=20), START + timedelta(days=28)] == noted


def test_a_cancellation_sets_the_last_activity_not_back() -> None:
    shell = opened_on()
    shell.adjust("T1", 50, "credit")
    shell.travel(30)
    stay = replace(STAY, arrival=shell.today - timedelta(days=1))
    shell.post(stay)
    shell.post(replace(stay, status="cancelled"))

    assert (50, START + timedelta(days=30)) == state(shell)


def test_a_lapse_stands_although_a_stay_before_it_is_posted_later() -> None:
    shell = opened_on()
    shell.post(STAY)
    to(shell, LAPSES + timedelta(days=3))
    late = replace(STAY, ref="R-2", arrival=LAPSES - timedelta(days=6))
    shell.post(late)

    # The old points are gone, the new ones live on: the time began anew on the day of the lapse.
    assert (100, LAPSES) == state(shell)
    assert [("stay_posted", START), ("lapsed", LAPSES), ("stay_posted", late.departure)] == kinds(shell)
    check(shell)


def test_points_that_come_when_the_time_is_up_begin_it_anew() -> None:
    shell = opened_on()
    shell.post(STAY)
    to(shell, LAPSES + timedelta(days=300))
    shell.adjust("T1", 40, "credit")

    assert (40, shell.today) == state(shell)
    assert [(months_later(shell.today, 2), 40)] == shell.outlook("T1").expiring
    check(shell)


def test_a_stay_reversed_after_its_points_lapsed_owes_nothing() -> None:
    shell = opened_on()
    shell.post(STAY)
    to(shell, LAPSES)
    shell.expire("T1")
    shell.post(replace(STAY, status="cancelled"))
    back = [(one.kind, one.amount, one.effective_on) for one in shell.transfers if one.credit == "available"][
        -1
    ]

    assert (0, LAPSES) == state(shell)
    assert ("expiry", 100, LAPSES) == back
    check(shell)


def test_a_rule_that_comes_into_force_begins_to_count_on_that_day() -> None:
    plain, lapsing = rules("6"), rules(version=2)
    begins = START + timedelta(days=100)
    shell = opened_on(program=join([(date(2020, 1, 1), plain), (begins, lapsing)]))
    shell.post(STAY)
    before = state(shell)
    to(shell, begins + timedelta(days=3))
    shell.expire("T1")

    assert (100, None) == before
    assert (100, begins + timedelta(days=3)) == state(shell)
    check(shell)


def test_a_rule_that_becomes_stricter_takes_nothing_before_its_day() -> None:
    long, short = rules("24\ninactivity_months = 12"), rules("24\ninactivity_months = 2", version=2)
    begins = START + timedelta(days=200)
    shell = opened_on(program=join([(date(2020, 1, 1), long), (begins, short)]))
    shell.post(STAY)
    to(shell, begins - timedelta(days=1))
    shell.expire("T1")
    before = state(shell)
    to(shell, begins + timedelta(days=5))
    shell.expire("T1")

    assert (100, START) == before
    assert (0, begins) == state(shell)
    assert ("lapsed", begins) == kinds(shell)[-1]
    check(shell)


def test_a_rule_that_ends_is_forgotten() -> None:
    lapsing, plain = rules(), rules("24", version=2)
    begins = START + timedelta(days=30)
    shell = opened_on(program=join([(date(2020, 1, 1), lapsing), (begins, plain)]))
    shell.post(STAY)
    to(shell, begins)
    shell.adjust("T1", 1, "credit")

    assert (101, None) == state(shell)


def test_pending_points_lapse_too() -> None:
    lapse = 'months = 6\ninactivity_months = 1\nactivity = ["spend"]'
    text = changed(PROGRAM, per='"1.00"\npending_days = 20').replace("months = 3", lapse)
    shell = opened_on(program=small_rules(text))
    shell.adjust("T1", 50, "credit")
    shell.adjust("T1", -10, "debit")
    shell.travel(20)
    shell.post(replace(STAY, arrival=shell.today - timedelta(days=1)))
    pending = shell.outlook("T1").pending
    to(shell, months_later(START, 1))
    shell.expire("T1")
    lost = [(one.debit, one.amount) for one in shell.transfers if one.kind == "expiry"]

    assert 100 == pending
    assert (0, months_later(START, 1)) == state(shell)
    assert [("available", 40), ("pending", 100)] == sorted(lost)
    check(shell)


EXEMPT = rules('24\ninactivity_months = 2\ninactivity_exempt = ["gold"]')
FOR_LIFE = """24
inactivity_months = 2
inactivity_exempt_lifetime = true
[[qualification.lifetime]]
tier = "gold"
require = { nights = "5" }"""
LONG_STAY = Stay("R-1", "T1", START - timedelta(days=4), 4, (("room", 100_00),))


def test_points_of_an_exempt_tier_stay_until_the_first_day_they_are_due_after_it_ends() -> None:
    shell = opened_on(program=EXEMPT)
    shell.post(LONG_STAY)
    told = [shell.outlook("T1").expiring]
    # Gold by four nights of 2026, to the end of 2027: every two months from 20 December 2026 on they stay.
    to(shell, date(2027, 12, 25))
    shell.expire("T1")
    told.append(shell.outlook("T1").expiring)
    kept = state(shell)
    to(shell, date(2028, 2, 20))
    shell.expire("T1")

    assert [[(date(2028, 2, 20), 100)]] * 2 == told
    assert (100, date(2027, 12, 20)) == kept
    assert (0, date(2028, 2, 20)) == state(shell)
    assert ("lapsed", date(2028, 2, 20)) == kinds(shell)[-1]
    check(shell)


@pytest.mark.parametrize(
    ("last", "told"), [(date(9999, 12, 31), []), (None, []), (date(2030, 5, 1), [(date(2030, 6, 20), 100)])]
)
def test_points_stay_as_long_as_an_exempt_tier_is_given_for(
    last: date | None, told: list[tuple[date, int]]
) -> None:
    # Without a status the points would go on 20 December 2026, and every two months after that.
    shell = opened_on(program=rules('600\ninactivity_months = 2\ninactivity_exempt = ["platinum"]'))
    shell.post(STAY)
    member = shell.find("T1")
    assert member is not None
    member.traits = structs.replace(member.traits, statuses=(Status("platinum", "gifted", START, last),))

    assert told == [one for one in shell.outlook("T1").expiring if one[0] < date(2070, 1, 1)]


def test_a_cap_of_its_own_ends_a_lot_of_an_exempt_tier() -> None:
    shell = opened_on(program=rules('3\ninactivity_months = 2\ninactivity_exempt = ["gold"]'))
    shell.post(LONG_STAY)
    to(shell, months_later(START, 3))
    shell.expire("T1")

    assert ("expired", months_later(START, 3)) == kinds(shell)[-1]
    check(shell)


@pytest.mark.parametrize(("nights", "left", "told"), [(5, 100, []), (4, 0, [(LAPSES, 100)])])
def test_points_of_who_has_a_tier_for_life_never_lapse(
    nights: int, left: int, told: list[tuple[date, int]]
) -> None:
    program = small_rules(changed(PROGRAM, months=FOR_LIFE.replace("24\n", "600\n")))
    shell = opened_on(program=program)
    shell.post(replace(LONG_STAY, arrival=START - timedelta(days=nights), nights=nights))
    lapsing = [one for one in shell.outlook("T1").expiring if one[0] < date(2030, 1, 1)]
    to(shell, date(2040, 1, 1))
    shell.expire("T1")

    assert (left, told) == (state(shell)[0], lapsing)
    check(shell)


# --- on the service ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("UPDATE lot SET lapsed_on = lapsed_on - 1 WHERE lapsed_on IS NOT NULL", {"lots"}),
        ("UPDATE lot SET lapsed_on = NULL WHERE lapsed_on IS NOT NULL", {"lots"}),
        ("UPDATE member SET active_on = active_on - 60 WHERE available > 0", {"next_expiry"}),
        ("UPDATE member SET next_expiry = NULL WHERE available > 0", {"next_expiry"}),
        ("UPDATE member SET pending = pending + 5", {"points", "zero_sum"}),
        ("UPDATE lot SET pending = true WHERE remaining > 0 AND NOT pending", {"lots"}),
        ("UPDATE lot SET pending = false WHERE pending", {"lots"}),
        ("UPDATE lot SET opens_on = opens_on + 1 WHERE pending", {"lots"}),
    ],
)  # fmt: skip
def test_the_books_are_verified_with_what_is_pending_and_what_has_lapsed(
    database: str, tmp_path: Path, sql: str, found: set[str]
) -> None:
    text = changed(PROGRAM, per='"1.00"\npending_days = 20', months="6\ninactivity_months = 2")
    with opened(database, small_rules(text), tmp_path) as live:
        books = LiveBooks(live)
        for number in ("T1", "T2"):
            books.enrol(number, f"enrol-{number}")
        books.post(STAY)
        books.travel((LAPSES - START).days + 1)
        live.run(expire_due(books.service))
        books.post(replace(STAY, ref="R-2", arrival=books.service.today() - timedelta(days=25)))
        books.post(replace(STAY, ref="R-3", arrival=books.service.today() - timedelta(days=2)))
        clean = live.verify()
        live.query(sql)

        assert {} == clean
        assert found <= set(live.verify())
