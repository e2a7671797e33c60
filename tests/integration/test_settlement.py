"""Settlement over a real database: a month stated, matched, disputed and settled; caps and funds under concurrency."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from msgspec import structs

from loyalty import moving, offering, reporting, settling
from loyalty.commands.accrue import AccrualRequest
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.settle_adjust import SettlementAdjustmentRequest
from loyalty.db import connect
from loyalty.errors import Problem
from loyalty.ids import parse
from loyalty.partners import matching
from loyalty.partners.model import Contract, Partner
from loyalty.partners.statements import as_csv
from loyalty.program.reading import decode
from loyalty.stays.model import Line, StayPosting
from loyalty.verify.run import open_verification
from tests.builders import PRINCIPAL, PROGRAM
from tests.conftest import run_sql
from tests.desk import NAME, SECOND, Desk, seen
from tests.property.live import Quiet, opened


@pytest.fixture
def desk(postgres: Any, database: str, tmp_path: Any) -> Iterator[Desk]:
    with opened(database, Rulebook(decode(PROGRAM)), tmp_path) as live:
        yield Desk(live)


def lines_of(drawn: Any) -> list[tuple[Any, ...]]:
    return [(one.kind, one.reference, one.points, one.money, str(one.effective_on)) for one in drawn.lines]


def test_a_month_is_stated_matched_disputed_and_settled(desk: Desk) -> None:
    air, live = desk.partner("air", accrual_price="0.02"), desk.live
    upgrade = desk.offer("upgrade", air, 500)
    desk.member("HX1", 2000)
    desk.stay("HX1", "300.00")
    first = desk.redeem("HX1", upgrade, 2, "A-1")
    desk.redeem("HX1", upgrade, 1, "A-2")
    desk.redeem("HX1", upgrade, 1, "A-3")
    desk.refund(first, 1)
    desk.accrue(air, "HX1", "F-1", 250)

    assert "period_not_over" == desk.issue(air, "2026-03").code
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    desk.accrue(air, "HX1", "F-2", 100, date(2026, 3, 31))
    march = desk.issue(air, "2026-03")
    assert [
        ("captured", "A-1", 1000, 1000, "2026-03-10"), ("captured", "A-2", 500, 500, "2026-03-10"),
        ("captured", "A-3", 500, 500, "2026-03-10"), ("refunded", "A-1", -500, -500, "2026-03-10"),
        ("accrued", "F-1", -250, -500, "2026-03-10"), ("accrued", "F-2", -100, -200, "2026-03-31"),
    ] == lines_of(march)  # fmt: skip
    assert ("AIR-2026-03-0001", 6, 1150, 800) == (
        march.statement.code, march.statement.records, march.statement.points, march.statement.money,
    )  # fmt: skip
    assert as_csv(march.statement.code, "CNY", desk.issue(air, "2026-03").lines) == as_csv(
        march.statement.code, "CNY", march.lines
    )

    file = (
        "reference,date,points,money,kind\n"
        "A-1,2026-03-10,1000,10.00,captured\n"
        "A-2,2026-03-11,600,5.00,captured\n"
        "A-9,2026-03-10,500,5.00,captured\n"
        "A-1,2026-03-10,500,5.00,refunded\n"
        "F-1,2026-03-10,250,5.00,accrued\n"
        "F-2,2026-03-31,100,,accrued\n"
    )
    compared = desk.does(settling.match(live.service, air, "2026-03", matching.read(file), "air"))
    assert {"matched": 4, "missing_here": 1, "missing_there": 1, "different": 1} == {
        name: getattr(compared.counts, name) for name in compared.counts.__struct_fields__
    }
    assert ["date 2026-03-10 ≠ 2026-03-11, points 500 ≠ 600"] == [
        one.text for one in compared.lines if one.text
    ]
    kept = live.run(settling.comparison(live.service, air, "2026-03"))
    assert settling.encode(compared) == kept

    assert "disputed" == desk.act(air, "2026-03", "dispute", "air", [2], "we gave 600")
    assert "wrong_statement_status" == desk.act(air, "2026-03", "dispute", "air", [3], "another")
    request = SettlementAdjustmentRequest("600 were agreed", 100, "1.00", line=2)
    adjusted = desk.does(settling.adjust(live.service, air, "2026-03", request, "desk", desk.key()))
    assert ("A-2", 100, "1.00") == (adjusted["reference"], adjusted["points"], adjusted["money"]["amount"])
    assert "accepted" == desk.act(air, "2026-03", "accept", "air")
    assert "settled" == desk.act(air, "2026-03", "settle", "desk", [], "", "PAY-1")
    assert "settled" == desk.act(air, "2026-03", "settle", "desk", [], "", "PAY-1")
    assert "wrong_statement_status" == desk.act(air, "2026-03", "settle", "desk", [], "", "PAY-2")

    desk.take_back(air, "F-2")
    live.clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    april = desk.issue(air, "2026-04")
    assert [
        ("adjusted", "A-2", 100, 100, "2026-04-20"), ("accrual_reversed", "F-2", 100, 200, "2026-04-20"),
    ] == lines_of(april)  # fmt: skip
    assert "AIR-2026-04-0002" == april.statement.code
    assert "period_closed" == desk.issue(air, "2026-02").code
    assert {} == live.verify()


def test_above_the_limit_a_second_person_resolves_a_dispute(desk: Desk) -> None:
    air, live = desk.partner("air", accrual_price="0.02"), desk.live
    for number in ("HX1", "HX2"):
        desk.member(number)
    for place in range(3):
        desk.accrue(air, "HX1", f"F-{place}", 100)
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    desk.issue(air, "2026-03")
    desk.act(air, "2026-03", "dispute", "air", [1, 2], "far more was agreed")
    granted, twin, late = (
        desk.adjust(air, "2026-03", points, "60.00", line=line)
        for points, line in ((6000, 1), (-6000, 1), (6000, 2))
    )
    waits = live.run(settling.statement(live.service, air, "2026-04")).lines
    desk.does(moving.merge(live.service, "HX1", "HX2", "desk", desk.key()))

    assert ["proposed"] * 3 == [one["status"] for one in (granted, twin, late)]
    assert [] == list(waits)
    assert "own_proposal" == desk.judge(granted, who=PRINCIPAL).code
    assert ("approved", 6000) == picked(desk.judge(granted), "status", "points")
    assert "already_resolved" == desk.judge(twin).code
    assert "rejected" == desk.judge(twin, "rejected")["status"]
    assert "settled" == desk.act(air, "2026-03", "settle", "desk", [], "", "PAY-1")
    assert "wrong_statement_status" == desk.judge(late).code
    assert "wrong_statement_status" == desk.adjust(air, "2026-03", 6000, line=3).code
    assert [("adjusted", "F-0", 6000, 6000, "2026-04-20")] == lines_of(
        live.run(settling.statement(live.service, air, "2026-04"))
    )
    [book] = live.query(
        "SELECT m.number, j.actor FROM settlement_adjustment AS a JOIN journal AS j USING (journal_id)"
        " JOIN member AS m ON m.member_id = a.member_id"
    )
    assert ("HX2", "desk, approved by boss") == tuple(book)
    assert {} == live.verify()


def picked(told: Any, *names: str) -> tuple[Any, ...]:
    return tuple(told[name] for name in names)


def test_what_a_reference_or_the_id_of_a_redemption_names_is_resolved_once(desk: Desk) -> None:
    air = desk.partner("air", accrual_price="0.02")
    ring = desk.offer("ring", air, 100)
    desk.member("HX1", 1000)
    redemption = desk.redeem("HX1", ring, 1, "A-1")
    desk.redeem("HX1", ring, 1, "A-2")
    desk.live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    desk.issue(air, "2026-03")
    by_line, by_reference, by_id, of_another = (
        desk.adjust(air, "2026-03", 6000, **about)
        for about in ({"line": 1}, {"reference": "A-1"}, {"reference": redemption}, {"line": 2})
    )

    assert ["A-1", "A-1", "A-1", "A-2"] == [
        one["reference"] for one in (by_line, by_reference, by_id, of_another)
    ]
    assert 3 == desk.adjust(air, "2026-03", 3, reference=redemption)["points"]
    assert ["already_resolved"] * 3 == [desk.judge(one).code for one in (by_line, by_reference, by_id)]
    assert "approved" == desk.judge(of_another)["status"]
    assert "approved" == desk.judge(desk.adjust(air, "2026-03", 6000, line=1))["status"]
    assert {} == desk.live.verify()


def test_of_all_who_would_resolve_or_settle_a_dispute_at_once_one_does(desk: Desk) -> None:
    air, live = desk.partner("air", accrual_price="0.02"), desk.live
    desk.member("HX1")
    desk.accrue(air, "HX1", "F-1", 100)
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    desk.issue(air, "2026-03")
    desk.act(air, "2026-03", "dispute", "air", [1], "far more was agreed")
    proposed = [desk.adjust(air, "2026-03", 6000, line=1) for _ in range(4)]

    async def at_once() -> list[Any]:
        ids = [parse("apr", one["approval_id"]) for one in proposed for _ in range(3)]
        judging = (moving.approve(live.service, one, "approved", SECOND, "boss") for one in ids if one)
        settles = settling.act(live.service, air, "2026-03", "settle", "desk", payment="PAY-1")
        return await asyncio.gather(*judging, settles, return_exceptions=True)

    *judged, settled = live.run(at_once())
    refused = [one.code for one in judged if isinstance(one, Problem)]
    [written] = live.query(
        "SELECT count(*) AS adjustments, count(DISTINCT line) AS lines FROM settlement_adjustment"
    )

    assert "settled" == settled.status
    assert {"already_resolved", "wrong_statement_status"} >= set(refused)
    assert (written["adjustments"] and 3) == len(judged) - len(refused)
    assert written["adjustments"] == written["lines"] <= 1
    assert {} == live.verify()


def test_points_are_told_by_the_hotel_that_gave_them(desk: Desk) -> None:
    air, live = desk.partner("air"), desk.live
    ring = desk.offer("ring", air, 400)
    desk.member("HX1")
    desk.stay("HX1", "300.00")
    desk.does(live.service.adjust(AdjustmentRequest("HX1", 500, "goodwill"), "desk", desk.key()))
    whole = desk.redeem("HX1", ring, 2)
    desk.refund(whole, 1)
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    march = desk.issue(air, "2026-03")
    report = desk.does(reporting.properties(live.service, date(2026, 3, 1), date(2026, 3, 31)))

    assert [800, -400] == [sum(one.properties.values()) for one in march.lines]
    assert [{"", "SHA01"}, 1] == [set(march.lines[0].properties), len(march.lines[1].properties)]
    assert 400 == sum(one.points for one in report)
    assert {"", "SHA01"} >= {one.property for one in report}
    assert "4.00" in {one.money for one in report} or 400 == sum(
        int(one.money.replace(".", "")) for one in report
    )
    assert {} == live.verify()


def test_a_prepaid_partner_gives_what_it_paid_for_and_no_more(desk: Desk) -> None:
    air, live = desk.partner("air", account="prepaid", accrual_price="0.02"), desk.live
    for place in range(8):
        desk.member(f"HX{place}")

    assert "fund_exhausted" == desk.accrue(air, "HX0", "F-0", 10).code
    assert 1000 == desk.pay(air, "PAY-1", 1000)["left"]
    assert "reference_taken" == desk.pay(air, "PAY-1", 1000).code

    async def crowd() -> list[Any]:
        today = live.clock.now().date()

        def one(place: int) -> Any:
            request = AccrualRequest(f"HX{place % 8}", f"C-{place}", 100, today)
            return settling.accrue(live.service, air, request, air, desk.key())

        return await asyncio.gather(*(one(place) for place in range(40)))

    answers = [seen(one) for one in live.run(crowd())]
    refused = [one for one in answers if isinstance(one, Problem)]
    assert 10 == len(answers) - len(refused)
    assert {"fund_exhausted"} == {one.code for one in refused}
    assert {0} == {one.numbers["left"] for one in refused}
    given = next(one for one in answers if not isinstance(one, Problem))["reference"]
    assert "reversed" == desk.take_back(air, given)["status"]
    assert "accrual_reversed" == desk.take_back(air, given).code
    assert 100 == desk.does(settling.fund(live.service, air)).left
    assert "fund_exhausted" == desk.accrue(air, "HX1", "F-9", 101).code
    assert 0 == desk.accrue(air, "HX1", "F-9", 100)["left"]
    assert {} == live.verify()


def test_caps_of_the_contract_hold(desk: Desk) -> None:
    air = desk.partner("air", accrual_price="0.02", accrual_a_day=300, accrual_per_member=250)
    none = desk.partner("spa")
    for number in ("HX1", "HX2"):
        desk.member(number)

    assert "not_offered" == desk.accrue(none, "HX1", "F-1", 10).code
    assert "posted" == desk.accrue(air, "HX1", "F-1", 200)["status"]
    assert "reference_taken" == desk.accrue(air, "HX2", "F-1", 10).code
    assert ("limit_reached", {"left": 100}) == told(desk.accrue(air, "HX2", "F-2", 101))
    assert ("limit_reached", {"left": 50}) == told(desk.accrue(air, "HX1", "F-2", 51))
    assert "unknown_member" == desk.accrue(air, "HX9", "F-2", 1).code
    assert "invalid_value" == desk.accrue(air, "HX1", "F-2", 1, date(2026, 3, 11)).code
    assert "invalid_value" == desk.accrue(air, "HX1", "F-2", 1, date(2025, 3, 8)).code
    assert "reversed" == desk.take_back(air, "F-1")["status"]
    assert "posted" == desk.accrue(air, "HX1", "F-2", 250)["status"]
    desk.live.clock.advance(timedelta(days=1))
    assert "posted" == desk.accrue(air, "HX2", "F-3", 250)["status"]
    assert {} == desk.live.verify()


def told(problem: Any) -> tuple[str, dict[str, int]]:
    return problem.code, problem.numbers


def test_what_was_spent_of_points_taken_back_is_owed(desk: Desk) -> None:
    air = desk.partner("air", accrual_price="0.02")
    ring = desk.offer("ring", None, 150)
    desk.member("HX1")
    desk.accrue(air, "HX1", "F-1", 200)
    desk.redeem("HX1", ring)
    desk.take_back(air, "F-1")
    found = desk.live.run(desk.live.service.find_member("HX1"))

    assert (-150, 150) == (found.member.available, found.member.debt)
    assert {} == desk.live.verify()


def test_points_of_a_member_who_was_merged_are_taken_back_from_the_survivor(desk: Desk) -> None:
    air, live = desk.partner("air", accrual_price="0.02", accrual_per_member=500), desk.live
    for number in ("HX1", "HX2"):
        desk.member(number)
    desk.accrue(air, "HX1", "F-1", 200)
    desk.accrue(air, "HX2", "F-2", 100)
    desk.does(moving.merge(live.service, "HX1", "HX2", "desk", desk.key()))

    assert ("limit_reached", {"left": 200}) == told(desk.accrue(air, "HX1", "F-3", 201))
    assert "reversed" == desk.take_back(air, "F-1")["status"]
    assert 100 == live.run(live.service.find_member("HX1")).member.available
    assert "posted" == desk.accrue(air, "HX2", "F-3", 400)["status"]
    assert {} == live.verify()


def test_a_refund_after_a_merge_is_stated_as_any_other(desk: Desk) -> None:
    air, live = desk.partner("air"), desk.live
    ring = desk.offer("ring", air, 400)
    desk.member("HX1", 1000)
    desk.member("HX2")
    desk.stay("HX1", "200.00")
    redemption = desk.redeem("HX1", ring, 3, "A-1")
    desk.does(moving.merge(live.service, "HX1", "HX2", "desk", desk.key()))
    desk.refund(redemption, 1)
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
    march = desk.issue(air, "2026-03")

    assert [
        ("captured", "A-1", 1200, 1200, "2026-03-10"), ("refunded", "A-1", -400, -400, "2026-03-10"),
    ] == lines_of(march)  # fmt: skip
    assert [1200, -400] == [sum(line.properties.values()) for line in march.lines]
    assert {} == live.verify()


def test_what_is_recorded_while_a_statement_is_drawn_is_on_it_or_on_the_next_one(desk: Desk) -> None:
    air, live = desk.partner("air", accrual_price="0.02"), desk.live
    for place in range(10):
        desk.member(f"HX{place}")
    live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))

    async def at_once() -> Any:
        async def give(place: int) -> None:
            request = AccrualRequest(f"HX{place % 10}", f"C-{place}", 1 + place, date(2026, 3, 31))
            await settling.accrue(live.service, air, request, air, desk.key())

        async def issue() -> Any:
            await asyncio.sleep(0.02)
            return await settling.issue(live.service, air, "2026-03", "desk")

        issued, *_ = await asyncio.gather(issue(), *(give(place) for place in range(60)), issue())
        return issued[0]

    march = live.run(at_once())
    live.clock.set(datetime(2026, 5, 2, tzinfo=UTC))
    april = desk.issue(air, "2026-04")

    assert {f"C-{place}" for place in range(60)} == {one.reference for one in (*march.lines, *april.lines)}
    assert 60 == len(march.lines) + len(april.lines)
    assert -sum(range(1, 61)) == march.statement.points + april.statement.points
    assert {} == live.verify()


# --- Tampering --------------------------------------------------------------------------------------------------------

ABOVE = 5001
"""Points that are one above the limit of the program."""
GRANTED = "status = 'approved'"
OF_MONEY = "request -> 'agreed' ->> 'points' = '0'"
LITTLE = "(SELECT journal_id FROM settlement_adjustment WHERE points < 0)"
ACCRUED = "(SELECT journal_id FROM accrual WHERE reference = 'F-1')"

FORGERIES = {
    "a line that says more": (
        "UPDATE statement_line SET points = points + 1 WHERE line = 1 AND number = 1", {"statements"}),
    "a line that says another day": (
        "UPDATE statement_line SET effective_on = effective_on - 1 WHERE line = 1 AND number = 1", {"statements"}),
    "a line that is gone": ("DELETE FROM statement_line WHERE line = 2 AND number = 1", {"statements"}),
    "a statement that is gone": ("DELETE FROM statement WHERE number = 2", {"statements"}),
    "a number that was left out": ("UPDATE statement_turn SET issued = 3", {"statements"}),
    "a total that is more": ("UPDATE statement SET money = money + 1 WHERE number = 1", {"statements"}),
    "a hash of other lines": (
        "UPDATE statement SET hash = decode(repeat('00', 32), 'hex') WHERE number = 1", {"statements"}),
    "a line and the hash of something else": (
        "UPDATE statement_line SET reference = 'A-7' WHERE line = 1 AND number = 1", {"statements"}),
    "a statement of another month": ("UPDATE statement SET period = '2026-01' WHERE number = 1", {"statements"}),
    "a step that can't follow": (
        "UPDATE statement_step SET status = 'settled' WHERE status = 'disputed'", {"statements"}),
    "an accrual of more points": (
        "UPDATE accrual SET points = points + 1 WHERE reference = 'F-1'", {"accruals", "statements", "funds"}),
    "an accrual that is gone": (
        "DELETE FROM accrual WHERE reference = 'F-1'", {"accruals", "statements", "funds"}),
    "an accrual of another money": ("UPDATE accrual SET money = 1 WHERE reference = 'F-1'", {"statements"}),
    "a reversal that is gone": (
        "DELETE FROM accrual WHERE kind = 'accrual_reversed'", {"accruals", "statements", "funds"}),
    "an adjustment of more points": (
        "UPDATE settlement_adjustment SET points = points + 1 WHERE points < 0",
        {"adjusted_statements", "statements"}),
    "an adjustment that is gone": (
        "DELETE FROM settlement_adjustment WHERE points < 0", {"adjusted_statements", "statements"}),
    "an adjustment above the limit that nobody approved": (f"DELETE FROM approval WHERE {GRANTED}", {"four_eyes"}),
    "money above the limit that nobody approved": (f"DELETE FROM approval WHERE {OF_MONEY}", {"four_eyes"}),
    "money above the limit that was only proposed": (
        f"UPDATE approval SET status = 'open', decider = NULL, journal_id = NULL WHERE {OF_MONEY}", {"four_eyes"}),
    "less money that grew beyond the limit": (
        "UPDATE settlement_adjustment SET money = -10001 WHERE points < 0", {"four_eyes", "statements"}),
    "more money than was approved": (
        "UPDATE settlement_adjustment SET money = money + 1 WHERE money = 10001", {"approvals", "statements"}),
    "an adjustment approved by another key of who proposed it": (
        (
            "INSERT INTO api_key (key_id, role, name, properties, hash, created_at, partner, member_id)"
            " SELECT key_id, 'operator', 'desk', '{}', sha256(key_id::text::bytea), now(), '', m.member_id"
            " FROM (SELECT DISTINCT unnest(ARRAY[proposer, decider]) AS key_id FROM approval"
            " WHERE decider IS NOT NULL) AS k, member AS m"
        ), {"approvals"}),
    "an adjustment above the limit that was only proposed": (
        f"UPDATE approval SET status = 'open', decider = NULL, journal_id = NULL WHERE {GRANTED}",
        {"four_eyes"}),
    "an adjustment above the limit that was approved twice": (
        (
            "INSERT INTO approval SELECT shard, gen_random_uuid(), member_id, request, proposer, proposed_by,"
            " proposed_at, status, decider, decided_by, decided_at, journal_id, reply, kind"
            f" FROM approval WHERE {GRANTED}"
        ), {"approvals"}),
    "an adjustment approved by who proposed it": (
        (
            "ALTER TABLE approval DROP CONSTRAINT never_by_the_proposer;"
            f" UPDATE approval SET decider = proposer WHERE {GRANTED}"
        ), {"approvals"}),
    "an adjustment approved by somebody else than the journal says": (
        f"UPDATE approval SET decided_by = 'nobody' WHERE {GRANTED}", {"approvals"}),
    "an adjustment that was proposed with other points": (
        f"UPDATE approval SET request = jsonb_set(request::jsonb, '{{agreed,points}}', '1') WHERE {GRANTED}",
        {"approvals"}),
    "an adjustment that was proposed with other money": (
        f"UPDATE approval SET request = jsonb_set(request::jsonb, '{{agreed,money}}', '1') WHERE {GRANTED}",
        {"approvals"}),
    "an adjustment that was proposed for another line": (
        f"UPDATE approval SET request = jsonb_set(request::jsonb, '{{agreed,line}}', '2') WHERE {GRANTED}",
        {"approvals"}),
    "an adjustment that was proposed in another member's book": (
        f"UPDATE approval SET member_id = gen_random_uuid() WHERE {GRANTED}", {"approvals"}),
    "a proposal to adjust that can't be read": (
        "UPDATE approval SET request = '{}' WHERE status = 'open'", {"approvals"}),
    "a proposal to adjust that is told as compensation": (
        f"UPDATE approval SET kind = 'compensation' WHERE {GRANTED}", {"approvals"}),
    "an approval that names another adjustment": (
        f"UPDATE approval SET journal_id = {LITTLE} WHERE {GRANTED}", {"approvals", "four_eyes"}),
    "an approval that names no adjustment": (
        f"UPDATE approval SET journal_id = {ACCRUED} WHERE {GRANTED}", {"approvals", "four_eyes"}),
    "a fund that was raised": (
        "UPDATE promotion_pool SET budget = budget + 1 WHERE promotion = 'fund:spa'", {"funds"}),
    "a fund that gave less": ("UPDATE promotion_pool SET leased = leased - 1 WHERE promotion = 'fund:spa'", {"funds"}),
    "a deposit that is gone": ("DELETE FROM partner_deposit", {"funds"}),
    "an account of a partner that holds more": (
        "INSERT INTO account_delta VALUES (0, 'partner:air', 'points', 5)",
        {"statements", "program_accounts", "zero_sum"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def settled(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database with two statements, a dispute, adjustments (some of them approved) and a fund."""
    run_sql(postgres.dsn, f"CREATE DATABASE settled TEMPLATE {migrated_template}")
    with opened(
        postgres.dsn_of("settled"), Rulebook(decode(PROGRAM)), tmp_path_factory.mktemp("settled")
    ) as live:
        desk = Desk(live)
        air = desk.partner("air", accrual_price="0.02")
        spa = desk.partner("spa", accrual_price="0.02", account="prepaid")
        ring = desk.offer("ring", air, 100)
        desk.member("HX1", 1000)
        desk.redeem("HX1", ring, 2, "A-1")
        desk.redeem("HX1", ring, 1, "A-2")
        desk.accrue(air, "HX1", "F-1", 70)
        desk.accrue(air, "HX1", "F-2", 30)
        desk.pay(spa, "PAY-1", 500)
        desk.accrue(spa, "HX1", "S-1", 60)
        live.clock.set(datetime(2026, 4, 20, tzinfo=UTC))
        desk.issue(air, "2026-03")
        desk.act(air, "2026-03", "dispute", "air", [1], "wrong")
        desk.take_back(air, "F-2")
        desk.adjust(air, "2026-03", -5, "-0.05", reference="A-1")
        desk.judge(desk.adjust(air, "2026-03", 0, "100.01", reference="A-2"))
        desk.adjust(air, "2026-03", 0, "100.00", reference="F-1")
        # What it would cost by contract from the next day on is no limit of today's.
        live.clock.set(datetime(2026, 4, 21, tzinfo=UTC))
        cheaper = Partner(code=air, name=NAME, contract=Contract("CNY", "0.01", accrual_price="0.01"))
        live.run(offering.put_partner(live.service, cheaper, "desk", frozenset({"*"})))
        for line, verdict in ((1, "approved"), (2, "rejected"), (3, None)):
            proposed = desk.adjust(air, "2026-03", ABOVE, "60.00", line=line)
            if verdict is not None:
                desk.judge(proposed, verdict)
        live.clock.set(datetime(2026, 5, 2, tzinfo=UTC))
        desk.issue(air, "2026-04")
        assert {} == live.verify()
    return "settled"


@pytest.mark.parametrize("what", FORGERIES)
async def test_verification_finds(postgres: Any, settled: str, what: str) -> None:
    forgery, expected = FORGERIES[what]
    dsn = postgres.dsn_of("forged_settlement")
    connection = await connect(postgres.dsn)
    await connection.execute(f"CREATE DATABASE forged_settlement TEMPLATE {settled}")
    try:
        owner = await connect(dsn)
        await owner.execute(f"SET session_replication_role = replica; {forgery}")
        await owner.close()
        async with open_verification(dsn, Rulebook(decode(PROGRAM)), Quiet()) as verification:
            report = await verification.run()
    finally:
        await connection.execute("DROP DATABASE forged_settlement WITH (FORCE)")
        await connection.close()

    assert expected == report.found()


@pytest.mark.parametrize(
    "table",
    ["accrual", "partner_deposit", "statement", "statement_line", "statement_step", "settlement_adjustment"],
)
async def test_what_was_stated_is_never_changed(postgres: Any, settled: str, table: str) -> None:
    connection = await connect(postgres.dsn_of(settled))
    try:
        for sql in (f"UPDATE {table} SET partner = partner", f"DELETE FROM {table}", f"TRUNCATE {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(sql)
    finally:
        await connection.close()


def test_the_report_of_cost_adds_up_to_what_members_have_whatever_moved_between_them(desk: Desk) -> None:
    live, day = desk.live, date(2026, 3, 8)
    for number in ("HX1", "HX2", "HX3"):
        desk.member(number, 1000)
    posting = StayPosting(
        "opera", "SHA01", "M-1", "HX1", "checked_out", day, day + timedelta(1), "direct", "CNY",
        [Line("room", "158.00")],
    )  # fmt: skip
    desk.does(live.service.post_stay(posting, "desk"))
    moved = desk.does(live.service.post_stay(structs.replace(posting, member="HX2", revision=1), "desk"))
    desk.does(moving.merge(live.service, "HX3", "HX2", "desk", desk.key()))
    report = desk.does(reporting.cost(live.service, date(2026, 3, 1), date(2026, 3, 31)))

    assert 158 == moved["points"]["total"]
    assert 3 * 1000 + 158 == report.issued
    assert (0, 0) == (report.redeemed, report.expired)
