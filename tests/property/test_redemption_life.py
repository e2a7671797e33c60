"""Redemptions and vouchers in every interleaving with stays, reversals and expiry: the service against the oracle.

Then verified.
"""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.builders import LATER, PROGRAM, changed, later_rules, small_rules
from tests.property.claiming import agree_on_claims
from tests.property.claims import HOLD_DAYS
from tests.property.live import Live, opened
from tests.property.vouchers import REWARD_MONTHS, VouchingLife
from tests.property.vouching import LiveVouchers, agree_on_vouchers

MONTH = 31
ALBUM = (
    f'{{ code = "album", kind = "voucher", valid_months = {REWARD_MONTHS["every_third"]},'
    ' name = { en = "Album", zh = "相册" } }'
)
PROGRAM_WITH_VOUCHERS = changed(PROGRAM, reward=ALBUM)


def play(live: Live, examples: int, steps: int, later: int = 0) -> None:
    """Play many histories on one database, then verify all of it."""

    class RedeemingLife(VouchingLife):
        pending_days = later

        def __init__(self) -> None:
            super().__init__()
            self.books: LiveVouchers = LiveVouchers(live)

        def teardown(self) -> None:
            agree_on_claims(self.books, self.oracle)
            # Time begins anew with each history: none may leave a hold that the next one's job would find.
            self.travel(HOLD_DAYS)
            self.expire_holds()
            self.travel(MONTH)
            self.issue_a_statement()
            self.lapse()
            agree_on_vouchers(self.books, self.oracle)

    run_state_machine_as_test(
        RedeemingLife,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip

    assert {} == live.verify()


def test_redemptions_agree_with_the_oracle(database: str, tmp_path: Path) -> None:
    """Histories of 40 steps, 2,000 and more together."""
    with opened(database, small_rules(PROGRAM_WITH_VOUCHERS), tmp_path) as live:
        play(live, examples=80, steps=40)


def test_redemptions_agree_with_the_oracle_on_points_that_open_later(database: str, tmp_path: Path) -> None:
    with opened(database, later_rules(PROGRAM_WITH_VOUCHERS), tmp_path) as live:
        play(live, examples=25, steps=40, later=LATER)


@pytest.mark.nightly
def test_redemptions_agree_with_the_oracle_for_long(database: str, tmp_path: Path) -> None:
    with opened(database, small_rules(PROGRAM_WITH_VOUCHERS), tmp_path) as live:
        play(live, examples=500, steps=60)
