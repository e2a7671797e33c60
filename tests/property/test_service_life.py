"""The service on PostgreSQL against the oracle: every answer, and at the end of each history all that can be seen."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.builders import IDLE, LATER, idle_rules, later_rules, small_rules
from tests.property.live import Live, LiveBooks, agree, opened
from tests.property.machine import Life

RULES = small_rules()


def play(live: Live, examples: int, steps: int, later: int = 0, idle: int = 0) -> None:
    """Play many histories on one database, then verify all of it."""

    class ServiceLife(Life):
        pending_days = later
        idle_months = idle

        def __init__(self) -> None:
            super().__init__()
            self.books: LiveBooks = LiveBooks(live)

        def teardown(self) -> None:
            agree(self.books, self.oracle)

    run_state_machine_as_test(
        ServiceLife,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip

    assert {} == live.verify()


def test_the_service_agrees_with_the_oracle(database: str, tmp_path: Path) -> None:
    with opened(database, RULES, tmp_path) as live:
        play(live, examples=60, steps=30)


def test_the_service_agrees_with_the_oracle_on_points_that_open_later(database: str, tmp_path: Path) -> None:
    with opened(database, later_rules(), tmp_path) as live:
        play(live, examples=40, steps=30, later=LATER)


def test_the_service_agrees_with_the_oracle_on_points_that_lapse(database: str, tmp_path: Path) -> None:
    with opened(database, idle_rules(), tmp_path) as live:
        play(live, examples=40, steps=30, later=LATER, idle=IDLE)


@pytest.mark.nightly
def test_the_service_agrees_with_the_oracle_for_long(database: str, tmp_path: Path) -> None:
    with opened(database, RULES, tmp_path) as live:
        play(live, examples=500, steps=60)
