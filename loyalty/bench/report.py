"""What the benchmark tells: JSON for machines, a table for people."""

import platform
from typing import Any, Final

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from loyalty.bench import measure
from loyalty.bench.contest import Outcome
from loyalty.bench.ground import processors
from loyalty.bench.measure import TARGETS, Target
from loyalty.bench.population import Size
from loyalty.bench.rich import PROMOTIONS

TITLES: Final = {
    "post_stay_ratio": "Posting a stay",
    "post_stay_p99_ms": "  99 of 100 within",
    "get_balance_ratio": "Reading a balance",
    "ingest_ratio": "Stays in batches",
    "tpcb_ratio": "Posting beside pgbench",
    "long_history_ratio": "Posting for old hands",
    "large_database_ratio": "Posting in a large database",
    "rich_program_ratio": "Posting under rich rules",
    "hold_ratio": "Holding points",
    "capture_ratio": "Capturing them",
    "hot_offer_ratio": "One offer that all want",
    "peak_rss_mb": "Memory of the worker",
}
RATES: Final = {
    measure.BARE_POST: "bare app, POST",
    measure.POST_STAY: "POST /v1/stays",
    measure.BATCH: "POST /v1/stays/batch, stays",
    measure.PGBENCH: "pgbench TPC-B, transactions",
    measure.SMALL_DATABASE: "POST /v1/stays, small database",
    measure.RICH_PROGRAM: "POST /v1/stays, rich program",
    measure.LONG_HISTORY: "POST /v1/stays, long histories",
    measure.SHORT_HISTORY: "POST /v1/stays, short histories",
    measure.HOLD: "POST /v1/redemptions",
    measure.HOT_OFFER: "POST /v1/redemptions, one offer",
    measure.CAPTURE: "POST …/capture",
    measure.BARE_GET: "bare app, GET",
    measure.GET_BALANCE: "GET …/balance",
}


def meanings(size: Size) -> dict[str, str]:
    """Say in words what each figure compares."""
    return {
        "post_stay_ratio": "of what a bare web app does that decodes the same body, replies and stores nothing",
        "post_stay_p99_ms": f"at {size.connections} connections that never pause",
        "get_balance_ratio": "of what the bare web app does with a GET",
        "ingest_ratio": f"times as many stays a second, {size.batch:,} in a request, as one by one",
        "tpcb_ratio": "of PostgreSQL's own bank benchmark, one transaction per request, on the same server",
        "long_history_ratio": f"members with {size.long_stays:,} stays, beside members with {size.short_stays}",
        "large_database_ratio": f"{size.journals:,} journals, beside {size.small_journals:,}",
        "rich_program_ratio": f"the richest program shipped and {PROMOTIONS} promotions, beside the first program",
        "hold_ratio": "of what the bare web app does with a POST",
        "capture_ratio": "of what the bare web app does with a POST",
        "hot_offer_ratio": f"holds of one counted offer at {size.connections} connections, beside many offers",
        "peak_rss_mb": "the most it ever took during all of this",
    }


def as_json(outcome: Outcome, size: Size, *, quick: bool) -> dict[str, Any]:
    """Return the figures first, in the order of the targets, then all that they were made from."""
    found = measure.figures(outcome.samples, outcome.peak_rss_mb)
    rounded = {key: None if value is None else _rounded(value) for key, value in found.items()}
    reached = {target.key: target.reached(found[target.key]) for target in TARGETS}
    return rounded | {
        "reached": reached,
        "targets": {target.key: {f"at_{target.at}": target.bound} for target in TARGETS},
        "spread": {
            key: [_rounded(low), _rounded(high)]
            for key, (low, high) in measure.spreads(outcome.samples, outcome.peak_rss_mb).items()
        },
        "unsteadiness": _rounded(measure.unsteadiness(outcome.samples)),
        "per_second": {name: round(rate) for name, rate in measure.rates(outcome.samples).items()},
        "raw": {name: msgspec.to_builtins(slices) for name, slices in outcome.samples.items()},
        "quick": quick,
        "sizes": msgspec.to_builtins(size),
        "journals": {"at_start": outcome.journals_at_start, "at_end": outcome.journals_at_end},
        "stays": msgspec.to_builtins(outcome.stays),
        "redemptions": msgspec.to_builtins(outcome.redemptions),
        "generator": outcome.generator,
        "machine": {
            "processors": processors(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
        "seconds": round(outcome.seconds),
    }


def table(outcome: Outcome, size: Size, *, quick: bool) -> RenderableType:
    """Return the figures as a table that a person understands, and the rates behind them."""
    return Group(_figures(outcome, size), "", _rates(outcome), "", _notes(outcome, size, quick=quick))


def shown(target: Target, value: float | None) -> str:
    """Write a figure with its unit."""
    if value is None:
        return "not measured"
    if target.key.endswith("_ms"):
        return f"{value:.0f} ms"
    return f"{value:.0f} MB" if target.key.endswith("_mb") else f"{value:.2f}"


def bound(target: Target) -> str:
    """Write what a figure should be."""
    return f"{'≥' if target.at == 'least' else '≤'} {shown(target, target.bound)}"


def _figures(outcome: Outcome, size: Size) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold", title="Figures", title_justify="left")
    for column, justify in (
        ("", "left"),
        ("measured", "right"),
        ("rounds", "right"),
        ("target", "right"),
        ("", "left"),
    ):
        drawn.add_column(column, justify=justify, no_wrap=True)  # pyright: ignore[reportArgumentType]
    drawn.add_column("what it is")
    found = measure.figures(outcome.samples, outcome.peak_rss_mb)
    spread = measure.spreads(outcome.samples, outcome.peak_rss_mb)
    for target in TARGETS:
        value = found[target.key]
        drawn.add_row(
            TITLES[target.key],
            Text(shown(target, value), style="bold"),
            _spread(target, spread.get(target.key)),
            bound(target),
            _verdict(reached=target.reached(value)),
            meanings(size)[target.key],
        )
    return drawn


def _spread(target: Target, spread: tuple[float, float] | None) -> str:
    if spread is None or spread[0] == spread[1]:
        return ""
    return f"{shown(target, spread[0]).split()[0]}-{shown(target, spread[1]).split()[0]}"


def _verdict(*, reached: bool | None) -> Text:
    if reached is None:
        return Text("–")
    return Text("✓ reached", style="green") if reached else Text("✗ missed", style="bold red")


def _rates(outcome: Outcome) -> Table:
    drawn = Table(box=None, pad_edge=False, header_style="bold", title="Per second", title_justify="left")
    for column in ("", "per second", "p50 ms", "p99 ms"):
        drawn.add_column(column, justify="right" if column else "left")
    rates = measure.rates(outcome.samples)
    for name, title in RATES.items():
        slices = outcome.samples[name]
        p50 = measure.middle([found.p50_ms for found in slices if found.p50_ms is not None])
        p99 = measure.middle([found.p99_ms for found in slices if found.p99_ms is not None])
        drawn.add_row(title, f"{rates[name]:,.0f}", _milliseconds(p50), _milliseconds(p99))
    return drawn


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _notes(outcome: Outcome, size: Size, *, quick: bool) -> str:
    smaller = " A quick run, at a smaller size than the targets are meant for." if quick else ""
    varied = measure.unsteadiness(outcome.samples)
    busy = (
        f"\nThe machine was busy with other things, too: what is compared with varied {varied:.1f}-fold between rounds."
        " Measure again when it is quiet."
        if varied > measure.BUSY
        else ""
    )
    return (
        f"Medians of {size.rounds} rounds in turn, {size.slice_seconds:g} s each, load by {outcome.generator} on"
        f" the same {processors()} processors; {size.members:,} members, {outcome.journals_at_start:,} journals"
        f" at the start, {outcome.journals_at_end:,} at the end.{smaller}\n"
        f"Every reply was a success, and all {outcome.stays.acknowledged:,} stays and"
        f" {outcome.redemptions.acknowledged:,} redemptions acknowledged are in the database." + busy
    )


def _rounded(value: float) -> float:
    return round(value, 3)
