import pytest

from loyalty.bench import measure
from loyalty.bench.measure import TARGETS, Slice, Target

ISSUED_KEYS = [
    "post_stay_ratio",
    "post_stay_p99_ms",
    "get_balance_ratio",
    "ingest_ratio",
    "tpcb_ratio",
    "long_history_ratio",
    "large_database_ratio",
    "rich_program_ratio",
    "hold_ratio",
    "capture_ratio",
    "hot_offer_ratio",
    "peak_rss_mb",
]


def samples(**rates: list[float]) -> dict[str, list[Slice]]:
    found = {name: [Slice(1000.0)] * 3 for name in measure.ORDER}
    return found | {name: [Slice(rate, 5.0, 20.0) for rate in them] for name, them in rates.items()}


def test_the_figures_come_in_the_order_that_is_promised() -> None:
    actual = list(measure.figures(samples(), 100.0))

    assert ISSUED_KEYS == actual


def test_every_contestant_runs_once_a_round_and_every_other_round_backwards() -> None:
    actual = list(measure.schedule(["a", "b", "c"], 3))

    expected = [(0, "a"), (0, "b"), (0, "c"), (1, "c"), (1, "b"), (1, "a"), (2, "a"), (2, "b"), (2, "c")]
    assert expected == actual


def test_a_ratio_is_the_median_of_the_ratios_within_each_round() -> None:
    # The machine was half as fast in the second round, for both.
    found = samples(post_stay=[4000, 2000, 4400], bare_post=[8000, 4000, 8000])

    assert [0.5, 0.5, 0.55] == measure.ratios(found, "post_stay", "bare_post")
    assert measure.figures(found, None)["post_stay_ratio"] == 0.5


def test_the_latency_is_the_median_of_the_rounds() -> None:
    slices = [Slice(1.0, 1.0, p99) for p99 in (90.0, 30.0, 31.0)]

    assert measure.figures(samples() | {"post_stay": slices}, None)["post_stay_p99_ms"] == 31.0


def test_a_spread_shows_how_far_the_noise_reaches() -> None:
    found = samples(get_balance=[500, 600, 400])

    assert measure.spreads(found, 180.5)["get_balance_ratio"] == (0.4, 0.6)
    assert measure.spreads(found, 180.5)["peak_rss_mb"] == (180.5, 180.5)


def test_memory_that_cannot_be_read_is_not_measured() -> None:
    assert measure.figures(samples(), None)["peak_rss_mb"] is None
    assert "peak_rss_mb" not in measure.spreads(samples(), None)


@pytest.mark.parametrize(
    ("target", "value", "expected"),
    [
        (Target("r", 0.4), 0.4, True),
        (Target("r", 0.4), 0.39, False),
        (Target("m", 250, "most"), 250, True),
        (Target("m", 250, "most"), 250.1, False),
        (Target("m", 250, "most"), None, None),
    ],
)
def test_a_target_is_reached_at_its_bound(
    target: Target, value: float | None, *, expected: bool | None
) -> None:
    assert expected is target.reached(value)


def test_each_contestant_of_a_figure_is_in_the_order() -> None:
    named = {name for target in TARGETS if target.of for name in target.of}

    assert set(measure.ORDER) == named


def test_interleaved_runs_are_collected_by_contestant_and_told() -> None:
    told: list[str] = []

    def run(number: int, seconds: float) -> Slice:
        return Slice(number + seconds)

    contestants = {"post_stay": run, "bare_post": run}
    actual = measure.run_interleaved(contestants, 2, 0.5, lambda name, _: told.append(name))

    assert {"post_stay": [Slice(0.5), Slice(1.5)], "bare_post": [Slice(0.5), Slice(1.5)]} == actual
    assert ["post_stay", "bare_post", "bare_post", "post_stay"] == told


def test_a_busy_machine_is_told_from_a_quiet_one() -> None:
    assert measure.unsteadiness(samples()) == 1.0
    assert measure.unsteadiness(samples(bare_get=[1000, 500, 1000])) > measure.BUSY
    # What is ours to answer for doesn't count.
    assert measure.unsteadiness(samples(post_stay=[1000, 500, 1000])) == 1.0


def test_batches_are_measured_for_longer() -> None:
    found = measure.run_interleaved({"post_batch": lambda _, seconds: Slice(seconds)}, 1, 2.0)

    assert {"post_batch": [Slice(4.0)]} == found


def test_the_middle_of_nothing_is_nothing() -> None:
    assert measure.middle([]) is None
