"""How a simulation is told: tables, sentences, files and a chart."""

import csv
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from loyalty.simulate.chart import draw
from loyalty.simulate.model import Compared, Counted, Moved, Refused, SimulationReply, SpentBudget, Totals
from loyalty.simulate.show import as_csv, members_csv, notes, percent, print_tables, progress, span
from tests.builders import MINT


def totals(points: int, cost: str = "0.00") -> Totals:
    return Totals(2, 1, "3.5", points, 0, 0, points, cost, 1)


def compared(key: str, live: int, new: int) -> Compared:
    return Compared(key, totals(live, "1.50"), totals(new, "2.25"))


SUMMARY = SimulationReply(
    live="house@1", new="<new>@2", first=date(2025, 1, 1), last=None, as_of=date(2026, 6, 1), currency="CNY",
    members=1200, revisions=3400, totals=compared("total", 3000, 4500),
    months=[compared("2025-12", 1000, 1500), compared("2026-01", 2000, 3000)],
    properties=[compared("SHA01", 3000, 4500)],
    tiers=[Counted("silver", 900, 800), Counted("gold", 300, 400)], moves=[Moved("silver", "gold", "up", 100)],
    milestones=[Counted("tenth", 5, 6)], promotions=[], refused_live=Refused(0, 0), refused_new=Refused(1, 2000),
    budgets_spent=[SpentBudget("shared", "new", datetime(2026, 3, 1, 9, 30, tzinfo=UTC))],
)  # fmt: skip


def printed(found: SimulationReply, **options: Any) -> str:
    console = Console(width=140, record=True, file=StringIO(), **options)
    print_tables(console, found)
    return console.export_text()


def test_the_tables_say_what_differs_and_by_how_much() -> None:
    rows = [line.split() for line in printed(SUMMARY).splitlines()]

    assert ["Points", "3,000", "4,500", "+1,500", "+50.0", "%"] in rows
    assert ["Cost", "in", "CNY", "1.50", "2.25", "+0.75", "+50.0", "%"] in rows
    assert ["Qualifying", "nights", "3.5", "3.5", "0"] in rows
    assert ["2026-01", "2", "2,000", "3,000", "+1,000", "+50.0", "%", "1.50", "2.25"] in rows
    assert ["SHA01", "2", "3,000", "4,500", "+1,500", "+50.0", "%", "1.50", "2.25"] in rows
    assert ["silver", "900", "800", "-100", "-11.1", "%"] in rows
    assert ["silver", "→", "gold", "100", "up"] in rows
    assert ["house@1", "beside", "<new>@2:", "check-outs", "from", "2025-01-01"] in rows


def test_what_the_rules_refuse_and_budgets_that_are_spent_are_said_in_sentences() -> None:
    assert [
        "Under the new rules 1 stay is in a currency without a rate and counted as nothing.",
        "Under the new rules 2,000 stays are beyond the limits and counted as nothing.",
        "Under the new rules the budget of shared is spent since 2026-03-01 09:30 UTC.",
        "1,200 members, 3,400 postings replayed. The books are as they were.",
    ] == notes(SUMMARY)


def test_costs_are_left_out_where_points_cost_nothing() -> None:
    free = Compared("total", totals(1), totals(2))
    found = structs.replace(
        SUMMARY, totals=free, months=[structs.replace(free, key="2026-01")], properties=[free]
    )
    told = printed(found)

    assert "Cost" not in told
    assert "cost live" not in told
    assert "What points cost isn't told: neither definition has a `point_value`." in told


def test_tables_without_rows_are_left_out() -> None:
    told = printed(structs.replace(SUMMARY, moves=[], milestones=[], promotions=[Counted("double", 0, 7)]))

    assert ("Other tier" in told, "Milestones granted" in told, "double" in told) == (False, False, True)


def test_the_span_is_said_in_words() -> None:
    whole = structs.replace(SUMMARY, first=date(1970, 1, 1))

    assert "all check-outs" == span(whole)
    assert "all check-outs to 2026-01-31" == span(structs.replace(whole, last=date(2026, 1, 31)))
    assert "check-outs from 2025-01-01 to 2026-01-31" == span(
        structs.replace(SUMMARY, last=date(2026, 1, 31))
    )


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (200, 230, "+15.0 %"),
        (3, 2, "-33.3 %"),
        (8, 9, "+12.5 %"),
        (1, 30, "+2,900.0 %"),
        (5, 5, ""),
        (0, 5, ""),
    ],
)
def test_a_change_in_percent_is_rounded_to_the_nearer_tenth(before: int, after: int, expected: str) -> None:
    assert expected == percent(before, after)


def test_the_csv_file_has_a_row_for_each_month_each_property_and_all() -> None:
    rows = list(csv.DictReader(StringIO(as_csv(SUMMARY))))

    assert [("month", "2025-12"), ("month", "2026-01"), ("property", "SHA01"), ("all", "total")] == [
        (row["by"], row["key"]) for row in rows
    ]
    assert ("2000", "3000", "1.50", "2.25") == tuple(
        rows[1][name] for name in ("live_points", "new_points", "live_cost", "new_cost")
    )


def test_the_members_file_names_nothing_but_ids_and_tiers() -> None:
    one = MINT(0)

    assert f"member_id,live_tier,new_tier,direction\nmem_{one.bytes.hex()},silver,gold,up\n" == members_csv(
        [(one, "silver", "gold", "up")]
    )


def bars(chart: str, kind: str) -> list[int]:
    return [
        int(rect.attrib["width"]) for rect in ET.fromstring(chart).iter("{http://www.w3.org/2000/svg}rect")  # noqa: S314 - our own
        if rect.attrib["class"] == kind
    ]  # fmt: skip


def test_the_chart_has_two_bars_for_each_month_and_each_tier() -> None:
    chart = draw(SUMMARY)

    # 470 wide is the most points of a month, and the most members of a tier.
    assert [156, 313, 470, 156] == bars(chart, "live")
    assert [235, 470, 417, 208] == bars(chart, "new")
    assert "Points: 3,000 under house@1, 4,500 under &lt;new&gt;@2." in chart


def test_a_chart_of_many_months_is_drawn_by_year() -> None:
    months = [
        compared(f"{year}-{month:02}", 10, 20) for year in (2023, 2024, 2025, 2026) for month in range(1, 13)
    ]
    chart = draw(structs.replace(SUMMARY, months=months))

    assert "Points by year" in chart
    assert 4 + 2 == len(bars(chart, "live"))


def test_a_chart_of_nothing_can_be_drawn_too() -> None:
    nothing = structs.replace(SUMMARY, months=[], tiers=[Counted("silver", 0, 0)])

    assert [0] == bars(draw(nothing), "live")


def test_a_bar_is_shown_on_a_terminal_only() -> None:
    terminal, pipe = StringIO(), StringIO()
    for file, shown in ((terminal, True), (pipe, False)):
        with progress(Console(file=file, force_terminal=shown, width=100)) as told:
            told.begin(10)
            told.at(5, 70)
            told.begin(10)
            told.at(10, 140)

    assert "" == pipe.getvalue()
    assert "140 postings" in terminal.getvalue()
