"""`loyalty verify` finds redemptions that were tampered with, each by the check that says so."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.builders import small_rules
from tests.conftest import run_sql
from tests.property.claiming import LiveClaims
from tests.property.live import Live, opened

CAPTURED = "(SELECT redemption_id FROM redemption WHERE status = 'captured' AND captured < quantity)"
HELD = "(SELECT redemption_id FROM redemption WHERE status = 'held' AND partner = 'hotel')"
TABLES = (
    "redemption", "redemption_step", "partner_reference", "redemption_token", "member", "lot", "transfer", "allocation",
    "promotion_budget",
)  # fmt: skip

FORGERIES: dict[str, tuple[str, set[str]]] = {
    "a hold that is forgotten": (f"DELETE FROM redemption WHERE redemption_id IN {HELD}",
                                 {"held", "redemptions", "redemptions_of_steps", "stock"}),
    "a hold that is said to be released": (f"UPDATE redemption SET status = 'released' WHERE redemption_id IN {HELD}",
                                           {"held", "redemptions", "stock"}),
    "a hold of fewer points": (f"UPDATE redemption SET points = points - 1 WHERE redemption_id IN {HELD}",
                               {"held", "redemptions"}),
    "more captured than by the steps": (
        f"UPDATE redemption SET captured = captured + 1 WHERE redemption_id IN {CAPTURED}", {"redemptions", "stock"}),
    "a refund that is forgotten": ("UPDATE redemption SET refunded = 0, status = 'captured' WHERE refunded > 0",
                                   {"redemptions", "stock"}),
    "a step that is gone": (
        f"DELETE FROM redemption_step WHERE kind = 'captured' AND redemption_id IN {CAPTURED}",
        {"redemptions", "lots", "allocations", "draw_order", "statements"}),
    "a step that comes to more": (
        f"UPDATE redemption_step SET points = points + 1 WHERE kind = 'captured' AND redemption_id IN {CAPTURED}",
        {"redemptions", "statements"}),
    "a step worth more money": (
        f"UPDATE redemption_step SET value = value + 1 WHERE kind = 'captured' AND redemption_id IN {CAPTURED}",
        {"redemptions"}),
    "a step of another partner": (
        f"UPDATE redemption_step SET partner = 'spa' WHERE kind = 'captured' AND redemption_id IN {CAPTURED}",
        {"redemptions", "statements"}),
    "a step of another day": (
        (f"UPDATE redemption_step SET effective_on = effective_on - 1 WHERE kind = 'captured'"
        f" AND redemption_id IN {CAPTURED}"), {"redemptions"}),
    "a step by somebody else": ("UPDATE redemption_step SET actor = 'nobody' WHERE kind = 'released'", {"redemptions"}),
    "a journal that is no step": (
        "UPDATE redemption_step SET journal_id = gen_random_uuid() WHERE kind = 'released'",
        {"redemptions", "lots", "allocations"}),
    "points captured for another partner": (
        "UPDATE transfer SET credit = 'partner:spa' WHERE kind = 'capture' AND credit = 'partner:hotel'",
        {"redemptions", "leaves", "program_accounts"}),
    "points given back to another lot": (
        ("UPDATE allocation AS a SET lot_id = (SELECT min(lot_id::text)::uuid FROM lot WHERE lot_id <> a.lot_id"
        " AND member_id = (SELECT member_id FROM lot WHERE lot_id = a.lot_id)) WHERE kind = 'refund'"),
        {"allocations", "lots"}),
    "stock that was taken by nobody": (
        "UPDATE promotion_budget SET used = used + 1 WHERE promotion LIKE 'stock:%lamp'", {"stock"}),
    "a reference that leads nowhere": ("DELETE FROM partner_reference", {"references"}),
    "a reference of another": ("UPDATE partner_reference SET reference = 'OTHER'", {"references"}),
    "a token spent on more than it was for": ("UPDATE redemption_token SET points = 1", {"tokens"}),
    "a token spent on another's redemption": (
        "UPDATE redemption_token SET partner = 'spa' WHERE redemption_id IS NOT NULL", {"tokens"}),
    "a token spent twice": (
        ("INSERT INTO redemption_token SELECT shard, sha256(hash), member_id, partner, points, minted_at, minted_by,"
        " expires_at, redemption_id FROM redemption_token"), {"tokens"}),
    "a redemption of nobody": (
        "UPDATE redemption SET member_id = gen_random_uuid() WHERE status = 'released'",
        {"members_of_redemptions", "redemptions", "lots", "allocations"}),
    "a step of nothing": (
        ("INSERT INTO redemption_step SELECT shard, gen_random_uuid(), step, kind, journal_id, member_id, partner,"
        " quantity, points, cash, value, effective_on, recorded_at, actor, reason FROM redemption_step"
         " WHERE kind = 'released'"),
        {"redemptions_of_steps"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def story(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A database with redemptions in every state, one of them by a token under a partner's reference."""
    run_sql(postgres.dsn, f"CREATE DATABASE forged_claims TEMPLATE {migrated_template}")
    dsn = postgres.dsn_of("forged_claims")
    with opened(dsn, small_rules(), tmp_path_factory.mktemp("forged")) as live:
        books = LiveClaims(live)
        books.enrol("A", "a")
        for number in range(3):
            books.adjust("A", 300, f"points-{number}")
            books.travel(10)
        for place, quantity in enumerate((3, 1, 2, 1)):
            books.hold(
                "A", ("lamp", "lamp", "tickets", "tea")[place], quantity, f"hold-{place}", capture=False
            )
        books.capture(0, 2, "capture")
        books.refund(0, 1, "refund")
        books.release(2, "release")
        books.mint("A", 100, "mint")
        books.capture(books.redeem(0, 2, "M-1", "redeem")["claim"], 2, "capture the ticket")
        books.travel(1)
        books.extend(1, "extend")
        books.travel(2)
        books.expire_holds()
        yield live


def test_it_finds_nothing_wrong_with_redemptions_of_every_state(story: Live) -> None:
    statuses = {row[0] for row in story.query("SELECT DISTINCT status FROM redemption")}

    assert {"held", "captured", "released", "expired"} <= statuses
    assert {} == story.verify()


@pytest.mark.parametrize("what", FORGERIES)
def test_it_finds(story: Live, postgres: Any, what: str) -> None:
    forgery, expected = FORGERIES[what]
    dsn = postgres.dsn_of("forged_claims")
    run_sql(dsn, "".join(f"CREATE TABLE kept_{table} AS SELECT * FROM {table};" for table in TABLES))
    try:
        run_sql(dsn, f"SET session_replication_role = replica; {forgery}")
        found = story.verify()
    finally:
        restore = "".join(
            f"TRUNCATE {table}; INSERT INTO {table} SELECT * FROM kept_{table}; DROP TABLE kept_{table};"
            for table in TABLES
        )
        run_sql(dsn, f"SET session_replication_role = replica; {restore}")

    assert expected == found.keys()
