"""What an operator watches, as Prometheus metrics.

Works in one process, and across workers when PROMETHEUS_MULTIPROC_DIR names an empty directory before the first
import. Children with labels are looked up once and kept: `labels()` costs more than the increment.
"""

import os
import platform
from collections.abc import Callable
from functools import cache
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

REGISTRY: Final = CollectorRegistry()
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST

_LATENCIES: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.045, 0.06, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_BATCHES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)

REQUESTS: Final = Counter(
    "loyalty_http_requests", "HTTP requests answered.", ["method", "route", "status"], registry=REGISTRY
)
REQUEST_SECONDS: Final = Histogram(
    "loyalty_http_request_seconds",
    "Time to answer an HTTP request.",
    ["method", "route"],
    buckets=_LATENCIES,
    registry=REGISTRY,
)
REFUSALS: Final = Counter("loyalty_refusals", "Refusals by problem code.", ["code"], registry=REGISTRY)
BATCH_COMMANDS: Final = Histogram(
    "loyalty_poster_batch_commands", "Commands per batch of the poster.", buckets=_BATCHES, registry=REGISTRY
)
BATCH_SECONDS: Final = Histogram(
    "loyalty_poster_batch_seconds",
    "Time from the first statement of a batch to its commit.",
    buckets=_LATENCIES,
    registry=REGISTRY,
)
BATCH_RERUNS: Final = Counter(
    "loyalty_poster_batch_reruns",
    "Batches whose commands were rerun one by one after an unexpected failure.",
    registry=REGISTRY,
)
QUEUE_DEPTH: Final = Gauge(
    "loyalty_poster_queue_depth",
    "Commands waiting, by lane.",
    ["lane"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
GIVEN_UP: Final = Counter(
    "loyalty_poster_given_up",
    "Commands answered 503 before they were decided, by reason (deadline, queue_full).",
    ["reason"],
    registry=REGISTRY,
)
POINTS: Final = Counter(
    "loyalty_points", "Points by movement (issued, reversed, expired).", ["movement"], registry=REGISTRY
)
STAYS: Final = Counter("loyalty_stays", "Stays recorded, by outcome.", ["outcome"], registry=REGISTRY)
POOL: Final = Gauge(
    "loyalty_database_connections",
    "Connections of the pool, by state (in_use, idle).",
    ["state"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
BUILD: Final = Gauge(
    "loyalty_build_info",
    "Always 1; the labels say what is running.",
    ["version", "python"],
    registry=REGISTRY,
    multiprocess_mode="max",
)


@cache
def counter(metric: Counter, *labels: str) -> Callable[..., None]:
    """Return the bound `inc` of a labelled counter, ready to call on a hot path."""
    return metric.labels(*labels).inc


def refused(code: str) -> None:
    """Count a refusal; the items of a batch are counted like single requests."""
    counter(REFUSALS, code)()


def watch_pool(size: Callable[[], int], idle: Callable[[], int]) -> None:
    """Read the pool's connections whenever the metrics are asked for (asyncpg: `get_size`, `get_idle_size`)."""
    global _refresh_pool  # noqa: PLW0603 - one pool a process, known only once it is open

    def refresh() -> None:
        free = idle()
        POOL.labels("idle").set(free)
        POOL.labels("in_use").set(size() - free)

    _refresh_pool = refresh


def describe_build(version: str) -> None:
    """Say which version runs."""
    BUILD.labels(version, platform.python_version()).set(1)


def exposition() -> bytes:
    """Render all metrics as text, those of every worker when there are several."""
    _refresh_pool()
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    merged = CollectorRegistry()
    multiprocess.MultiProcessCollector(merged)
    return generate_latest(merged)


def forget_worker(pid: int) -> None:
    """Drop the gauges of a worker that is gone; its counters stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)  # pyright: ignore[reportUnknownMemberType]


def _refresh_pool() -> None: ...


ProcessCollector(registry=REGISTRY)
