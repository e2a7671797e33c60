"""What must hold of the rules whatever happens: properties of the pure core, on books in memory."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from loyalty.commands.judge import Before, Case, Pinned, judge
from loyalty.commands.model import Answer
from loyalty.commands.rulebook import Rulebook
from loyalty.stays.model import Line
from loyalty.stays.rules import Folio, read_folio
from tests.builders import house_rules, member, posting, small_rules
from tests.property.invariants import check, spends_are_first_to_expire_first
from tests.property.oracle import Stay
from tests.property.shell import Shell
from tests.property.strategies import MEMBERS, START, fen, lines, members, shaped, shapes, stays
from tests.property.wording import as_posting

RULES = small_rules()
HOUSE = house_rules()

requests = st.lists(
    st.one_of(
        st.tuples(st.just("post"), shapes),
        st.tuples(st.just("post"), shapes),
        st.tuples(st.just("adjust"), st.tuples(members, st.integers(-300, 300))),
        st.tuples(st.just("travel"), st.sampled_from([1, 30, 80])),
    ),
    max_size=12,
)
"""What may have happened before."""


def lived(requests: list[tuple[str, Any]], rules: Rulebook = RULES) -> Shell:
    """Return books after some requests."""
    shell = Shell(rules, START)
    for number in MEMBERS:
        shell.enrol(number, f"enrol-{number}")
    for place, request in enumerate(requests):
        do(shell, request, f"key-{place}")
    return shell


def do(shell: Shell, request: tuple[str, Any], key: str) -> None:
    kind, what = request
    if kind == "post":
        shell.post(shaped(what, shell.today))
    elif kind == "adjust":
        shell.adjust(*what, key=key)
    else:
        shell.travel(what)


def own(stay: Stay) -> Stay:
    """Return a stay that nothing before has named."""
    return replace(stay, ref="OWN")


# --- posting, reversing, repeating --------------------------------------------------------------------------------


@given(requests, shapes, st.sampled_from(["cancelled", "no_show"]))
def test_earning_then_reversing_restores_balance_counters_lots_and_milestones(
    before: list[tuple[str, Any]], shape: dict[str, Any], status: str
) -> None:
    shell = lived(before)
    for number in MEMBERS:
        shell.expire(number)
    was = shell.snapshot()
    stay = own(shaped(shape, shell.today))
    shell.post(replace(stay, revision=1))
    shell.post(replace(stay, revision=2, status=status))

    assert was == shell.snapshot()
    check(shell)


@given(requests, shapes)
def test_the_same_posting_again_writes_nothing_and_is_answered_byte_for_byte(
    before: list[tuple[str, Any]], shape: dict[str, Any]
) -> None:
    shell = lived(before)
    said = as_posting(own(shaped(shape, shell.today)))
    first, rows, was = shell.post_raw(said), shell.rows(), shell.snapshot()
    again = shell.post_raw(said)

    assert isinstance(first, Answer)
    assert isinstance(again, Answer)
    assert (first.body, True) == (again.body, again.replayed)
    assert (rows, was) == (shell.rows(), shell.snapshot())


@given(st.lists(shapes, min_size=1, max_size=5), st.data())
def test_revisions_in_any_order_and_twice_end_in_the_same_state(
    told: list[dict[str, Any]], data: st.DataObject
) -> None:
    revisions = [
        replace(shaped(shape, START), ref="OWN", member="T1", revision=number)
        for number, shape in enumerate(told)
    ]
    shuffled = data.draw(st.permutations(revisions + revisions[:2]))
    in_order, mixed = lived([]), lived([])
    for stay in revisions:
        in_order.post(stay)
    for stay in shuffled:
        mixed.post(stay)

    assert in_order.snapshot() == mixed.snapshot()
    check(mixed)


@given(requests, shapes, members)
def test_a_refusal_changes_nothing(before: list[tuple[str, Any]], shape: dict[str, Any], number: str) -> None:
    shell = lived(before)
    stay = own(shaped(shape, shell.today))
    shell.post(replace(stay, revision=3))
    rows, was = shell.rows(), shell.snapshot()
    conflicting = replace(stay, revision=3, nights=stay.nights + 1)

    assert {"code": "revision_conflict"} == shell.post(conflicting)
    assert {"code": "unknown_member"} == shell.post(replace(stay, member="NOBODY"))
    other = next(one for one in MEMBERS if one != stay.member)
    assert {"code": "stay_of_another_member"} == shell.post(replace(stay, member=other, revision=None))
    assert (rows, was) == (shell.rows(), shell.snapshot())


@given(requests, members, st.integers(-400, 400))
def test_a_key_has_one_outcome_for_good(before: list[tuple[str, Any]], number: str, points: int) -> None:
    shell = lived(before)
    first = shell.adjust(number, points, "once")
    shell.adjust(number, 500, "between")
    rows, was = shell.rows(), shell.snapshot()

    assert first | {"replayed": True} == shell.adjust(number, points, "once")
    assert {"code": "idempotency_key_reused"} == shell.adjust(number, points + 1, "once")
    assert (rows, was) == (shell.rows(), shell.snapshot())


# --- two members --------------------------------------------------------------------------------------------------


@given(stays(), members, members)
def test_a_stay_that_moves_leaves_nothing_behind_and_arrives_whole(
    stay: Stay, giver: str, taker: str
) -> None:
    assume(giver != taker)
    moved, direct = lived([]), lived([])
    moved.post(replace(stay, member=giver, revision=1))
    moved.post(replace(stay, member=taker, revision=2))
    direct.post(replace(stay, member=taker, revision=1))

    assert direct.snapshot() == moved.snapshot()
    check(moved)


@given(stays(), st.lists(members, min_size=2, max_size=6))
def test_a_stay_that_moves_to_and_fro_ends_with_the_last_as_if_it_had_always_been_there(
    stay: Stay, owners: list[str]
) -> None:
    moved, direct = lived([]), lived([])
    for revision, owner in enumerate(owners):
        moved.post(replace(stay, member=owner, revision=revision))
    direct.post(replace(stay, member=owners[-1], revision=0))

    assert direct.snapshot() == moved.snapshot()
    check(moved)


@given(requests, shapes)
def test_what_happens_to_one_member_changes_nothing_for_another(
    before: list[tuple[str, Any]], shape: dict[str, Any]
) -> None:
    shell = lived(before)
    was = shell.snapshot()
    stay = replace(own(shaped(shape, shell.today)), member="T3")
    shell.post(stay)
    now = shell.snapshot()

    for number in MEMBERS[:2]:
        assert was[0][number] == now[0][number]
    assert {one for one in was[1] if one[0] != "T3"} == {one for one in now[1] if one[0] != "T3"}


# --- lots and debt ------------------------------------------------------------------------------------------------


@given(requests, members, st.integers(1, 300))
def test_a_debit_draws_on_what_expires_first(before: list[tuple[str, Any]], number: str, points: int) -> None:
    shell = lived(before)
    shell.expire(number)
    member = shell.find(number)
    assert member is not None
    left = {lot.lot_id: lot.remaining for lot in shell.lots.values()}
    shell.adjust(number, -points, "debit")

    spends_are_first_to_expire_first(shell, left, member)
    check(shell)


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 700))
def test_debt_is_repaid_first(earned: int, spent: int, later: int) -> None:
    assume(spent <= earned)
    shell = lived([])
    stay = Stay("OWN", "T1", START - timedelta(days=2), 0, (("room", earned * 100),))
    shell.post(stay)
    shell.adjust("T1", -spent, "spend")
    shell.post(replace(stay, status="cancelled"))
    member = shell.find("T1")

    assert member is not None
    assert (-spent, spent) == (member.available, member.debt)
    shell.adjust("T1", later, "later")
    member = shell.find("T1")
    assert member is not None
    assert (later - spent, max(0, spent - later)) == (member.available, member.debt)
    assert max(0, later - spent) == sum(shell.open_points().values())
    check(shell)


@given(stays())
def test_points_earned_too_late_to_last_until_today_come_and_go_at_once(stay: Stay) -> None:
    shell = lived([])
    late = replace(stay, ref="OWN", member="T1", arrival=START - timedelta(days=200))
    shell.post(late)
    member = shell.find("T1")
    expired = sum(lot.expired for lot in shell.lots.values())

    assert member is not None
    assert 0 == member.available
    assert expired == sum(lot.amount for lot in shell.lots.values())
    check(shell)


# --- earning ------------------------------------------------------------------------------------------------------


def points_of(
    rules: Rulebook, told: tuple[tuple[str, int], ...], tier: str = "silver", currency: str = "CNY"
) -> int:
    whole = currency == "JPY"
    written = [
        Line(category, str(one) if whole else f"{one // 100}.{one % 100:02}") for category, one in told
    ]
    said = posting(lines=written, currency=currency)
    folio = read_folio(said, 365)
    assert isinstance(folio, Folio)
    return judge(Case(rules, said, folio, Pinned(tier, ""), Before({})))[0].points


currencies = st.sampled_from(["CNY", "JPY", "USD"])
tiers = st.sampled_from(["silver", "gold", "platinum", "diamond"])


@given(lines, tiers, currencies, st.data())
def test_splitting_a_folio_into_lines_changes_no_points(
    told: tuple[tuple[str, int], ...], tier: str, currency: str, data: st.DataObject
) -> None:
    parts: list[tuple[str, int]] = []
    for category, amount in told:
        cut = data.draw(st.integers(0, amount))
        parts += [(category, cut), (category, amount - cut)]
    mixed = tuple(data.draw(st.permutations(parts)))

    assert points_of(HOUSE, told, tier, currency) == points_of(HOUSE, mixed, tier, currency)


@given(lines.filter(bool), fen, tiers, currencies, st.data())
def test_more_spend_never_earns_less(
    told: tuple[tuple[str, int], ...], more: int, tier: str, currency: str, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(told) - 1))
    raised = tuple(
        (category, amount + more * (number == place)) for number, (category, amount) in enumerate(told)
    )

    assert points_of(HOUSE, told, tier, currency) <= points_of(HOUSE, raised, tier, currency)


@given(lines, currencies)
def test_a_higher_tier_never_earns_less(told: tuple[tuple[str, int], ...], currency: str) -> None:
    earned = [points_of(HOUSE, told, level.code, currency) for level in HOUSE.ladder.levels]

    assert earned == sorted(earned)


@given(lines, st.integers(0, 100_000))
def test_what_no_category_earns_changes_no_points(told: tuple[tuple[str, int], ...], tax: int) -> None:
    assert points_of(HOUSE, told) == points_of(HOUSE, (*told, ("tax", tax)))


# --- tiers and milestones -----------------------------------------------------------------------------------------

counters = st.dictionaries(
    st.sampled_from(["2024", "2025", "2026"]),
    st.fixed_dictionaries({"nights": st.integers(1, 700), "spend": st.integers(1, 12_000_000)}),
)


@given(counters, st.dates(date(2024, 1, 1), date(2028, 12, 31)), st.integers(1, 500))
def test_counting_more_never_lowers_a_tier(counted: dict[str, dict[str, int]], day: date, more: int) -> None:
    year = str(day.year)
    raised = {
        **counted,
        year: {**counted.get(year, {}), "nights": counted.get(year, {}).get("nights", 0) + more},
    }

    assert (
        HOUSE.tiers.on(member(counters=counted), day).rank
        <= HOUSE.tiers.on(member(counters=raised), day).rank
    )


@given(counters, st.dates(date(2024, 1, 1), date(2028, 12, 31)))
def test_a_tier_holds_to_the_last_day_it_is_said_to_hold(
    counted: dict[str, dict[str, int]], day: date
) -> None:
    owner = member(counters=counted)
    standing = HOUSE.tiers.standing(owner, day)

    if standing.valid_to is None:
        assert "silver" == standing.level.code
    else:
        assert HOUSE.tiers.on(owner, standing.valid_to).rank >= standing.level.rank
