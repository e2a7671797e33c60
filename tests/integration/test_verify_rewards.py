"""`loyalty verify` finds rewards that were tampered with, each by the check that says so."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from loyalty import worker
from tests.conftest import run_sql
from tests.property.live import Live, opened
from tests.property.test_rewards_live import RULES, Guest

FORGERIES = {
    "a reward that is gone": (
        "DELETE FROM reward WHERE code = 'album' AND status = 'issued'",
        {"rewards", "vouchers"},
    ),
    "a reward that was never granted": (
        (
            "INSERT INTO reward SELECT shard, gen_random_uuid(), member_id, milestone, period, 9, part, program,"
            " status, kind, code, points, granted_on, choose_by, valid_to, journal_id, changed_by, changed_at"
            " FROM reward WHERE code = 'album' AND status = 'issued' LIMIT 1"
        ),
        {"rewards", "vouchers"},
    ),
    "a reward of another kind": (
        "UPDATE reward SET kind = 'voucher' WHERE code = 'album' AND status = 'issued'",
        {"rewards", "vouchers"},
    ),
    "a reward that the program hasn't": (
        "UPDATE reward SET code = 'yacht' WHERE code = 'album' AND status = 'issued'",
        {"rewards", "vouchers"},
    ),
    "one part of a choice that is gone": ("DELETE FROM reward WHERE code = 'spa'", {"rewards", "vouchers"}),
    "a revoked reward that lives again": (
        "UPDATE reward SET status = 'issued' WHERE code = 'album' AND status = 'revoked'",
        {"rewards", "vouchers"},
    ),
    "a flag that was taken away": ("UPDATE member SET traits = '{}' WHERE traits ? 'flagged'", {"rewards"}),
    "more points than were given": (
        "UPDATE reward SET points = points + 1 WHERE code = 'bonus' AND status = 'flagged'",
        {"reward_points"},
    ),
    "points of no journal": (
        "UPDATE reward SET journal_id = changed_by WHERE code = 'bonus' AND status = 'flagged'",
        {"reward_points"},
    ),
    "a reward changed by nobody": (
        "UPDATE reward SET changed_by = gen_random_uuid() WHERE code = 'album' AND status = 'issued'",
        {"journals_of_rewards"},
    ),
}


@pytest.fixture(scope="module")
def story(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A database with rewards of every status."""
    run_sql(postgres.dsn, f"CREATE DATABASE forged TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("forged"), RULES, tmp_path_factory.mktemp("forged")) as live:
        spender, used, plain = Guest(live), Guest(live), Guest(live)
        for guest in (spender, used, plain):
            for place in range(5):
                guest.stay(place)
        live.run(spender.spend(800))
        for place in (1, 2, 3, 4):
            spender.stay(place, "cancelled")
        live.run(used.use(used.rewards("every_third")[0]))
        live.run(used.choose(used.rewards("year_nights")[0], ["spa", "points"]))
        for place in (5, 6, 7, 8):
            plain.stay(place)
        for place in (5, 6, 7, 8):
            plain.stay(place, "cancelled")
        live.clock.advance(timedelta(days=200))
        live.run(worker.lapse_rewards(live.service))
        yield live


def test_it_finds_nothing_wrong_with_rewards_of_every_status(story: Live) -> None:
    statuses = {row[0] for row in story.query("SELECT DISTINCT status FROM reward")}

    assert {"issued", "expired", "revoked", "flagged", "used"} == statuses
    assert {} == story.verify()


@pytest.mark.parametrize("what", FORGERIES)
def test_it_finds(story: Live, postgres: Any, tmp_path: Path, what: str) -> None:
    del tmp_path
    forgery, expected = FORGERIES[what]
    dsn = postgres.dsn_of("forged")
    run_sql(
        dsn,
        "CREATE TABLE kept AS SELECT * FROM reward; CREATE TABLE kept_member AS SELECT member_id, traits FROM member",
    )
    try:
        run_sql(dsn, forgery)
        found = story.verify()
    finally:
        run_sql(
            dsn,
            "TRUNCATE reward; INSERT INTO reward SELECT * FROM kept; DROP TABLE kept;"
            "UPDATE member AS m SET traits = k.traits FROM kept_member AS k WHERE k.member_id = m.member_id;"
            "DROP TABLE kept_member",
        )

    assert expected == found.keys()
