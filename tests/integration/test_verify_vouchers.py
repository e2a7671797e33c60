"""`loyalty verify` finds vouchers that were tampered with; and what jobs, merges and a start do with vouchers."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loyalty import offering, redeeming, rewarding, vouchering, worker
from loyalty.commands.benefit import ReturnRequest, UseRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.redeem_voucher import RedeemVoucherRequest
from loyalty.commands.redeeming import Caller
from loyalty.commands.refund import RefundRequest
from loyalty.commands.revoke_voucher import RevokeVoucherRequest
from loyalty.partners.model import Offer, Price, Title
from loyalty.vouchers.model import Voucher
from tests.conftest import run_sql
from tests.property.live import Live, LiveBooks, opened
from tests.property.test_rewards_live import LAST, RULES, Guest
from tests.property.test_rewards_merged import Two

DESK = Caller("desk")
NAME = Title(en="An hour of spa", zh="水疗一小时")


class Holder(Guest):
    """A guest who redeems offers and has vouchers."""

    def redeem(self, code: str, quantity: int = 1) -> str:
        request = RedemptionRequest(code, {}, quantity=quantity, member=self.number, capture=True)
        answer = self.live.run(redeeming.redeem(self.service, request, DESK, self.key()))
        return msgspec.json.decode(answer.body)["redemption_id"]

    def refund(self, redemption: str, quantity: int) -> None:
        request = RefundRequest("Rain", quantity)
        self.live.run(redeeming.step(self.service, redemption, request, DESK, self.key()))

    def vouchers(self, *sources: str) -> list[Voucher]:
        """Return vouchers, the oldest first."""
        page = self.live.run(vouchering.page(self.service, self.member, LAST, None, 500))
        return [one.voucher for one in reversed(page) if not sources or one.voucher.source in sources]

    def show(self, one: Voucher) -> Any:
        request = RedeemVoucherRequest(property="SHA01")
        return vouchering.redeem(self.service, one, request, Caller("desk"), self.key())


def put_offer(live: Live, code: str = "spa_hour") -> None:
    offer = Offer(
        code=code, kind="merchandise", name=NAME, prices=(Price(points=10),), voucher=True, transferable=True,
        voucher_months=1,
    )  # fmt: skip
    live.run(offering.put_offer(live.service, offer, "desk", None))


FORGERIES = {
    "a redeemed voucher that can be used again": (
        (
            "UPDATE voucher SET status = 'issued', changed_by = journal_id"
            " WHERE status = 'redeemed' AND source = 'redemption'"
        ),
        {"vouchers"},
    ),
    "a voucher that was never redeemed, and is": (
        "UPDATE voucher SET status = 'redeemed' WHERE status = 'issued' AND source <> 'reward'",
        {"vouchers"},
    ),
    "a revoked voucher that lives again": (
        "UPDATE voucher SET status = 'issued' WHERE status = 'revoked' AND source = 'redemption'",
        {"vouchers"},
    ),
    "an expired voucher that lives again": (
        "UPDATE voucher SET status = 'issued' WHERE status = 'expired' AND source = 'redemption'",
        {"vouchers"},
    ),
    "another code": ("UPDATE voucher SET code_hash = sha256(code_hash)", {"vouchers"}),
    "a hand-over that nobody did": (
        "UPDATE voucher SET handed_over = handed_over + 1 WHERE transferable",
        {"vouchers"},
    ),
    "one voucher too few": ("DELETE FROM voucher WHERE source = 'redemption' AND number = 2", {"vouchers"}),
    "one voucher too many": (
        (
            "INSERT INTO voucher SELECT shard, gen_random_uuid(), member_id, source, redemption_id, kind, item,"
            " partner, 9, transferable, valid_from, valid_to, status, handed_over, holder_id, property, journal_id,"
            " changed_by, sha256(code_hash), changed_at FROM voucher"
            " WHERE source = 'redemption' AND status = 'issued' LIMIT 1"
        ),
        {"vouchers"},
    ),
    "vouchers of what was never captured": (
        "UPDATE voucher SET redemption_id = gen_random_uuid() WHERE source = 'redemption'",
        {"vouchers"},
    ),
    "a refund that left a voucher": (
        (
            "UPDATE voucher SET status = 'issued', changed_by = journal_id"
            " WHERE status = 'revoked' AND source = 'redemption' AND number > 3"
        ),
        {"vouchers"},
    ),
    "vouchers of another offer": (
        "UPDATE voucher SET item = 'suite' WHERE source = 'redemption'",
        {"vouchers"},
    ),
    "a reward without its voucher": ("DELETE FROM voucher WHERE source = 'reward'", {"vouchers"}),
    "a voucher of a reward that can be used again": (
        "UPDATE voucher SET status = 'issued' WHERE source = 'reward' AND status = 'redeemed'",
        {"vouchers"},
    ),
    "a voucher that is of no reward": (
        "UPDATE voucher SET source = 'reward' WHERE source = 'benefit'",
        {"vouchers"},
    ),
    "more vouchers than uses": (
        "UPDATE voucher SET status = 'issued', changed_by = journal_id WHERE source = 'benefit'",
        {"vouchers"},
    ),
    "a voucher changed by nobody": (
        "UPDATE voucher SET changed_by = gen_random_uuid() WHERE status = 'issued' AND source = 'redemption'",
        {"journals_of_vouchers"},
    ),
}


def of_vouchers(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {check: told for check, told in found.items() if "vouchers" in check}


@pytest.fixture(scope="module")
def story(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A database with vouchers of every source and status."""
    run_sql(postgres.dsn, f"CREATE DATABASE forged_vouchers TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("forged_vouchers"), RULES, tmp_path_factory.mktemp("forged")) as live:
        put_offer(live)
        guest = Holder(live)
        for place in range(6):
            guest.stay(place)
        redemption = guest.redeem("spa_hour", 5)
        first, second, third, *_ = guest.vouchers("redemption")
        live.run(guest.show(first))
        live.run(vouchering.hand_over(live.service, second, None, "site", guest.key()))
        live.run(vouchering.revoke(live.service, third, RevokeVoucherRequest("Lost"), "desk", guest.key()))
        guest.refund(redemption, 2)
        live.run(guest.room(UseRequest(times=2, voucher=True)))
        live.run(guest.show(guest.vouchers("benefit")[0]))
        live.run(guest.room(ReturnRequest(times=1)))
        album, *_ = guest.vouchers("reward")
        live.run(guest.show(album))
        guest.redeem("spa_hour")
        live.clock.advance(timedelta(days=40))
        live.run(worker.lapse_rewards(live.service))
        guest.redeem("spa_hour")
        yield live


def test_it_finds_nothing_wrong_with_vouchers_of_every_source_and_status(story: Live) -> None:
    rows = story.query("SELECT DISTINCT source, status FROM voucher")

    assert {
        *(("redemption", status) for status in ("issued", "redeemed", "expired", "revoked")),
        ("benefit", "redeemed"), ("benefit", "revoked"), ("reward", "redeemed"),
    } <= {(row[0], row[1]) for row in rows}  # fmt: skip
    assert {} == of_vouchers(story.verify())


@pytest.mark.parametrize("what", FORGERIES)
def test_it_finds(story: Live, postgres: Any, what: str) -> None:
    forgery, expected = FORGERIES[what]
    dsn = postgres.dsn_of("forged_vouchers")
    run_sql(dsn, "CREATE TABLE kept AS SELECT * FROM voucher")
    try:
        run_sql(dsn, forgery)
        found = story.verify()
    finally:
        run_sql(dsn, "TRUNCATE voucher; INSERT INTO voucher SELECT * FROM kept; DROP TABLE kept")

    assert expected == of_vouchers(found).keys()


def test_a_start_gives_vouchers_to_rewards_of_a_time_when_there_were_none(story: Live, postgres: Any) -> None:
    dsn = postgres.dsn_of("forged_vouchers")
    columns = "voucher_id, member_id, status, item, valid_to, code_hash, journal_id, changed_by"
    rewards = f"SELECT {columns} FROM voucher WHERE source = 'reward' ORDER BY voucher_id"
    before = story.query(rewards)
    run_sql(dsn, "DELETE FROM voucher WHERE source = 'reward'")
    for _ in range(2):
        story.run(rewarding.add_missing_vouchers(story.service))

    assert before == story.query(rewards) != []
    assert {} == of_vouchers(story.verify())


@pytest.fixture
def two(postgres: Any, migrated_template: str, tmp_path: Path) -> Iterator[Two]:
    run_sql(postgres.dsn, f"CREATE DATABASE merged_vouchers TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("merged_vouchers"), RULES, tmp_path, services=2) as live:
        put_offer(live)
        yield Two(live)
    run_sql(postgres.dsn, "DROP DATABASE merged_vouchers")


def test_after_a_merge_what_was_redeemed_keeps_its_code_and_a_reward_gets_a_new_one(two: Two) -> None:
    two.old, two.new = (Holder(two.live, LiveBooks(two.live), name) for name in ("T1", "T2"))
    two.stays(3, 0)
    old, new = two.old, two.new
    assert isinstance(old, Holder)
    assert isinstance(new, Holder)
    old.redeem("spa_hour")
    [hour], [album] = old.vouchers("redemption"), old.vouchers("reward")
    code = vouchering.plain_code(two.live.service, album)
    two.merge()
    found = new.vouchers()

    assert {"spa_hour", "album"} <= {one.item for one in found if one.status == "issued"}
    gone = two.live.run(vouchering.find(two.live.service, code))
    assert "revoked" == gone.status
    shown = [two.live.run(new.show(hour)).status for _ in range(2)]
    assert [200, 409] == shown
    assert "redeemed" == {one.voucher_id: one.status for one in new.vouchers()}[hour.voucher_id]
    assert {} == of_vouchers(two.live.verify())


def test_of_many_who_show_one_code_to_two_processes_one_is_served(two: Two) -> None:
    live, guest = two.live, Holder(two.live, LiveBooks(two.live), "T3")
    for place in range(3):
        guest.stay(place)
    guest.redeem("spa_hour")
    [hour] = guest.vouchers("redemption")

    async def all_at_once() -> list[int]:
        request = RedeemVoucherRequest()
        works = [
            vouchering.redeem(live.services[number % 2], hour, request, Caller("desk"), guest.key())
            for number in range(60)
        ]
        return [answer.status for answer in await asyncio.gather(*works)]

    assert {200: 1, 409: 59} == Counter(live.run(all_at_once()))
    assert {} == of_vouchers(live.verify())
