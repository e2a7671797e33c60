"""The plan of the measurement, and the arithmetic of its figures. Pure but for the runs it is given.

The machine may be shared and its speed drift, so what is compared runs in turn, in short slices; a figure is the
median, over the rounds, of the ratio within one round. Every other round runs backwards, so that a steady drift favours
nobody.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from statistics import median, quantiles
from typing import Final, Literal

from msgspec import Struct

BARE_POST: Final = "bare_post"
POST_STAY: Final = "post_stay"
BATCH: Final = "post_batch"
PGBENCH: Final = "pgbench"
SMALL_DATABASE: Final = "post_stay_small_database"
RICH_PROGRAM: Final = "post_stay_rich_program"
BARE_GET: Final = "bare_get"
GET_BALANCE: Final = "get_balance"
LONG_HISTORY: Final = "post_stay_long_history"
SHORT_HISTORY: Final = "post_stay_short_history"
HOLD: Final = "hold"
HOT_OFFER: Final = "hold_hot_offer"
CAPTURE: Final = "capture"

# What is compared runs side by side.
ORDER: Final = (
    BARE_GET, GET_BALANCE, LONG_HISTORY, SHORT_HISTORY, RICH_PROGRAM, SMALL_DATABASE, POST_STAY, BARE_POST, HOLD,
    HOT_OFFER, CAPTURE, PGBENCH, BATCH,
)  # fmt: skip

# Few, long requests take longer to be counted well.
SLICES: Final = {BATCH: 2}
# What depends on nothing of ours: when it varies, the machine does.
YARDSTICKS: Final = (BARE_POST, BARE_GET, PGBENCH)
BUSY: Final = 1.25


class Slice(Struct, frozen=True, omit_defaults=True):
    """What one contestant did in one round: requests, stays or transactions per second; latency in milliseconds."""

    rate: float
    p50_ms: float | None = None
    p99_ms: float | None = None
    generator_us: float | None = None


Samples = Mapping[str, Sequence[Slice]]
Run = Callable[[int, float], Slice]
"""Runs one contestant in a round for some seconds."""


class Target(Struct, frozen=True):
    """What a figure must be, and what it is the ratio of."""

    key: str
    bound: float
    at: Literal["least", "most"] = "least"
    of: tuple[str, str] | None = None

    def reached(self, value: float | None) -> bool | None:
        """Tell whether a measured figure is good enough; None when it could not be measured."""
        if value is None:
            return None
        return value >= self.bound if self.at == "least" else value <= self.bound


TARGETS: Final = (
    Target("post_stay_ratio", 0.40, of=(POST_STAY, BARE_POST)),
    Target("post_stay_p99_ms", 60, "most"),
    Target("get_balance_ratio", 0.40, of=(GET_BALANCE, BARE_GET)),
    Target("ingest_ratio", 2.5, of=(BATCH, POST_STAY)),
    Target("tpcb_ratio", 0.55, of=(POST_STAY, PGBENCH)),
    Target("long_history_ratio", 0.85, of=(LONG_HISTORY, SHORT_HISTORY)),
    Target("large_database_ratio", 0.85, of=(POST_STAY, SMALL_DATABASE)),
    Target("rich_program_ratio", 0.85, of=(RICH_PROGRAM, SMALL_DATABASE)),
    Target("hold_ratio", 0.30, of=(HOLD, BARE_POST)),
    Target("capture_ratio", 0.30, of=(CAPTURE, BARE_POST)),
    Target("hot_offer_ratio", 0.50, of=(HOT_OFFER, HOLD)),
    Target("peak_rss_mb", 250, "most"),
)


def schedule(names: Sequence[str], rounds: int) -> Iterator[tuple[int, str]]:
    """Give (round, contestant) in the order to run: there and back again."""
    for number in range(rounds):
        for name in names if number % 2 == 0 else reversed(names):
            yield number, name


def run_interleaved(
    contestants: Mapping[str, Run],
    rounds: int,
    seconds: float,
    step: Callable[[str, Slice], None] = lambda _name, _slice: None,
) -> dict[str, list[Slice]]:
    """Run every contestant once a round; `step` is told of each slice."""
    samples: dict[str, list[Slice]] = {name: [] for name in contestants}
    for number, name in schedule([name for name in ORDER if name in contestants], rounds):
        found = contestants[name](number, seconds * SLICES.get(name, 1))
        samples[name].append(found)
        step(name, found)
    return samples


def ratios(samples: Samples, over: str, under: str) -> list[float]:
    """Return the ratio of two contestants' rates in each round."""
    return [a.rate / b.rate for a, b in zip(samples[over], samples[under], strict=True) if b.rate]


def p99s(samples: Samples) -> list[float]:
    """Return the 99th percentile latency of posting a stay in each round."""
    return [found.p99_ms for found in samples[POST_STAY] if found.p99_ms is not None]


def middle(values: Sequence[float]) -> float | None:
    """Return the median; None of nothing."""
    return median(values) if values else None


def rounds_of(target: Target, samples: Samples, peak_rss_mb: float | None) -> list[float]:
    """Return what was found for a figure in each round (of memory there is one value: its peak)."""
    if target.of:
        return ratios(samples, *target.of)
    if target.key == "post_stay_p99_ms":
        return p99s(samples)
    return [] if peak_rss_mb is None else [peak_rss_mb]


def figures(samples: Samples, peak_rss_mb: float | None) -> dict[str, float | None]:
    """Return every figure by its key, in the order of the targets."""
    return {target.key: middle(rounds_of(target, samples, peak_rss_mb)) for target in TARGETS}


def spreads(samples: Samples, peak_rss_mb: float | None) -> dict[str, tuple[float, float]]:
    """Return the lowest and highest value of each figure among the rounds: how far the noise reaches."""
    found = {target.key: rounds_of(target, samples, peak_rss_mb) for target in TARGETS}
    return {key: (min(values), max(values)) for key, values in found.items() if values}


def unsteadiness(samples: Samples) -> float:
    """Return how much the yardsticks varied between rounds, as upper over lower quartile; 1 is not at all."""
    quarters = [quantiles([found.rate for found in samples[name]], n=4) for name in YARDSTICKS]
    return max((upper / lower for lower, _, upper in quarters if lower), default=1.0)


def rates(samples: Samples) -> dict[str, float]:
    """Return the median rate of each contestant."""
    return {name: median(found.rate for found in slices) for name, slices in samples.items() if slices}
