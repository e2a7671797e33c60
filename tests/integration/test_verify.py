"""`loyalty verify` against a real PostgreSQL: clean after everything the service does, and blind to no corruption."""

import asyncio
import contextlib
import datetime as dt
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner, Result

from loyalty import bulk
from loyalty.clock import ManualClock
from loyalty.commands import store
from loyalty.commands.adjust import AdjustmentRequest
from loyalty.commands.rulebook import Rulebook
from loyalty.db import connect
from loyalty.embedded import EmbeddedPostgres
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.members.model import EnrolRequest, Profile
from loyalty.migrate import migrate
from loyalty.opening import open_service
from loyalty.program.model import HOUSE
from loyalty.program.reading import read
from loyalty.service import Service
from loyalty.settings import Settings
from loyalty.stays.model import Line, StayPosting
from loyalty.stays.properties import Property, PropertyName
from loyalty.verify.command import verify as command
from loyalty.verify.report import CHECKS, Report
from loyalty.verify.run import open_verification
from loyalty.verify.show import Quiet
from loyalty.worker import expire_due, fold_accounts

RULES = Rulebook(read(HOUSE))
OPERATOR = UUID("018f0000-0000-7000-8000-000000000001")
VAULT_KEY = "A" * 43
AS_OF = dt.date(2027, 1, 1)
NOON = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
MEMBERS = [f"HX{number:06}" for number in range(1, 13)]
CLAIMS = {
    "redemptions", "stock", "references", "tokens", "members_of_redemptions", "redemptions_of_steps", "accruals",
    "adjusted_statements", "funds", "statements",
}  # fmt: skip
"""Checks of redemptions and of settlement, which test_verify_redemptions.py and test_settlement.py are about."""
BETWEEN_PEOPLE = {
    "four_eyes", "approvals", "referrals", "merges", "closed_books", "households", "pools", "statuses",
    "referrals_of_journals", "merges_of_members",
}  # fmt: skip
_numbers = itertools.count(1)


def stay(
    ref: str,
    member: str,
    *,
    revision: int | None = None,
    amount: str = "1000.00",
    arrival: str = "2026-01-10",
    nights: int = 2,
    status: Any = "checked_out",
) -> StayPosting:
    begins = dt.date.fromisoformat(arrival)
    return StayPosting(
        source="opera",
        property="SHA01",
        stay_ref=ref,
        member=member,
        status=status,
        arrival=begins,
        departure=begins + dt.timedelta(days=nights),
        channel="direct",
        currency="CNY",
        lines=[Line("room", amount)],
        revision=revision,
    )


async def refused(request: Awaitable[object]) -> None:
    with contextlib.suppress(Problem):
        await request


async def adjust(service: Service, member: str, points: int, key: str) -> None:
    body = f"{member} {points}".encode()
    request = AdjustmentRequest(member, points, "goodwill", "a note with 中文")
    await refused(service.adjust(request, "test", service.key(OPERATOR, key, body)))


async def open_books(service: Service, members: list[str] = MEMBERS) -> None:
    await service.register(Property("SHA01", PropertyName("Bund", "外滩"), "Asia/Shanghai", "CNY"))
    for member in members:
        profile = Profile(name="Wang Wei", birthday="03-08")
        request = EnrolRequest(member, dt.date(2024, 1, 1), profile)
        await service.enrol(request, "test", service.key(OPERATOR, f"enrol {member}", member.encode()))


async def live_a_little(service: Service, clock: ManualClock) -> None:
    """Do everything that the service can do, so that every table has rows."""
    await open_books(service)
    one, two, three, four, five, six, seven, eight, *rest = MEMBERS
    # Ten stays and a milestone; then a cancellation takes it back.
    for number in range(10):
        await service.post_stay(stay(f"ten-{number}", one, nights=1, amount="300.50"), "test")
    await service.post_stay(stay("ten-3", one, revision=4, status="cancelled"), "test")
    for number in range(12):
        await service.post_stay(stay(f"twelve-{number}", two, nights=1), "test")
    # Revised up, down, to other dates; re-sent; superseded; refused; cancelled before it was ever posted.
    for revision, amount, arrival in (
        (1, "900", "2026-01-10"),
        (2, "1500", "2026-01-10"),
        (5, "700", "2026-02-01"),
    ):
        await service.post_stay(stay("rev", three, revision=revision, amount=amount, arrival=arrival), "test")
    await service.post_stay(stay("rev", three, revision=5, amount="700", arrival="2026-02-01"), "test")
    await service.post_stay(stay("rev", three, revision=3, amount="1"), "test")
    await refused(service.post_stay(stay("rev", three, revision=5, amount="2"), "test"))
    await service.post_stay(stay("noshow", three, status="no_show"), "test")
    await service.post_stay(stay("noshow", three, revision=1, status="cancelled"), "test")
    # Spent, then the earning is reversed: debt, which later earning repays.
    await service.post_stay(stay("debt", four), "test")
    await adjust(service, four, 300, "credit")
    await adjust(service, four, -1200, "debit")
    await adjust(service, four, -1200, "too much")
    await service.post_stay(stay("debt", four, revision=1, status="cancelled"), "test")
    await service.post_stay(stay("repays", four, amount="1700"), "test")
    await service.post_stay(stay("more", four, amount="100", arrival="2026-01-05"), "test")
    await adjust(service, four, -200, "after debt")
    # To another member, in another shard and in the same one, and back again.
    await service.post_stay(stay("moves", five, revision=0), "test")
    for revision, member in ((2, six), (3, seven), (4, eight), (6, five)):
        await service.post_stay(stay("moves", member, revision=revision), "test")
    await service.post_stay(stay("moves", seven, revision=5), "test")
    await service.post_stay(stay("moves", five, revision=7, amount="1200"), "test")
    await fold_accounts(service)
    # Long past: earned and expired at once. Then reversed, which takes the expiry back.
    await service.post_stay(stay("late", six, arrival="2023-05-01"), "test")
    await service.post_stay(stay("late2", seven, arrival="2023-05-01"), "test")
    await service.post_stay(stay("late2", seven, revision=1, status="cancelled"), "test")
    await bulk.post_stays(
        service, [stay(f"batch-{number}", rest[number % 4]) for number in range(20)], "test"
    )
    # Two years later lots expire, one is reversed after that, and some aren't looked at yet.
    clock.set(dt.datetime(2028, 1, 12, 12, tzinfo=dt.UTC))
    await expire_due(service)
    await service.post_stay(stay("batch-0", rest[0], revision=1, status="cancelled"), "test")
    await service.post_stay(stay("fresh", rest[1], arrival="2028-01-08"), "test")
    clock.set(dt.datetime(2028, 1, 13, 12, tzinfo=dt.UTC))
    await adjust(service, rest[1], 50, "last")
    await adjust(service, rest[1], -40, "last spend")


def with_service(
    dsn: str,
    folder: Path,
    work: Callable[[Service, ManualClock], Awaitable[None]],
) -> None:
    async def run() -> None:
        clock = ManualClock(NOON)
        settings = Settings(data_dir=folder, vault_key=VAULT_KEY)
        async with open_service(settings, dsn, clock, RULES) as service:
            await work(service, clock)

    asyncio.run(run())


async def verified(dsn: str, batch: int = 500, shard: int | None = None) -> Report:
    async with open_verification(dsn, RULES, Quiet(), batch=batch) as verification:
        return await verification.run(shard)


async def digest(dsn: str, as_of: dt.date = AS_OF) -> str:
    async with open_verification(dsn, RULES, Quiet()) as verification:
        return await verification.digest(as_of)


def told(report: Report) -> dict[str, list[str]]:
    return {name: tally.examples for name, tally in report.tallies.items() if tally.differences}


def corrupt(dsn: str, sql: str) -> None:
    """Change rows behind everybody's back, past triggers and constraints, as a superuser can."""

    async def run() -> None:
        connection = await connect(dsn)
        try:
            await connection.execute(f"SET session_replication_role = replica; {sql}")
        finally:
            await connection.close()

    asyncio.run(run())


@pytest.fixture(scope="module")
def make_database(postgres: EmbeddedPostgres) -> Iterator[Callable[[str], str]]:
    """Makes a database as a copy of another one."""
    made: list[str] = []

    def run(sql: str) -> None:
        async def execute() -> None:
            connection = await asyncpg.connect(postgres.dsn)
            try:
                await connection.execute(sql)
            finally:
                await connection.close()

        asyncio.run(execute())

    def make(template: str) -> str:
        name = f"verified_{next(_numbers)}"
        run(f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return name

    yield make
    for name in made:
        run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def blank(postgres: EmbeddedPostgres, make_database: Callable[[str], str]) -> str:
    """The name of a migrated database without rows, of several shards."""
    name = make_database("template1")
    asyncio.run(migrate(postgres.dsn_of(name), shards=4))
    return name


@pytest.fixture(scope="module")
def lived_in(
    postgres: EmbeddedPostgres,
    blank: str,
    make_database: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The name of a database after a bit of everything."""
    name = make_database(blank)
    with_service(postgres.dsn_of(name), tmp_path_factory.mktemp("vault"), live_a_little)
    return name


@pytest.fixture
def books(postgres: EmbeddedPostgres, lived_in: str, make_database: Callable[[str], str]) -> str:
    """The address of a copy of the books after a bit of everything."""
    return postgres.dsn_of(make_database(lived_in))


# --- clean books ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 3, 500])
async def test_the_books_are_clean_after_a_bit_of_everything(books: str, batch: int) -> None:
    report = await verified(books, batch)

    assert told(report) == {}
    assert report.members == len(MEMBERS)
    assert {name for name, tally in report.tallies.items() if not tally.checked} == {
        "reward_points", *BETWEEN_PEOPLE, *CLAIMS,
    }  # fmt: skip


async def test_an_empty_database_is_clean(database: str) -> None:
    report = await verified(database)

    assert report.clean
    assert report.journals == 0


async def test_every_kind_of_journal_and_allocation_was_there_to_be_checked(books: str) -> None:
    connection = await connect(books)
    try:
        kinds = {row[0] for row in await connection.fetch("SELECT kind FROM journal")}
        taken = {row[0] for row in await connection.fetch("SELECT kind FROM allocation")}
        outcomes = {row[0] for row in await connection.fetch("SELECT outcome FROM stay_revision")}
        grants = {row[0] for row in await connection.fetch("SELECT status FROM milestone_grant")}
    finally:
        await connection.close()

    assert kinds == {
        "enrolled",
        "stay_posted",
        "stay_revised",
        "stay_reversed",
        "stay_moved_out",
        "stay_moved_in",
        "adjusted",
        "expired",
    }
    assert taken == {"spend", "expiry", "reversal", "repayment", "expired_reversal"}
    assert outcomes == {"posted", "revised", "reversed", "unchanged", "superseded", "moved"}
    assert grants == {"granted", "revoked"}


async def test_the_shards_together_are_the_whole(books: str) -> None:
    whole = await verified(books)
    parts = [await verified(books, shard=shard) for shard in range(4)]

    assert sum(part.journals for part in parts) == whole.journals
    assert all(part.clean for part in parts)


async def test_it_finds_nothing_wrong_while_two_processes_post(database: str, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, vault_key=VAULT_KEY)
    async with contextlib.AsyncExitStack() as stack:
        one, other = await two_processes(stack, settings, database)
        done = asyncio.Event()
        posting = asyncio.gather(keep_posting(one, "one", done), keep_posting(other, "other", done))
        await asyncio.sleep(0.1)
        reports = [await verified(database, batch=2) for _ in range(8)]
        done.set()
        posted = await posting

    assert [told(report) for report in reports] == [{}] * 8
    assert reports[0].journals < reports[-1].journals
    assert min(posted) > 5


async def two_processes(
    stack: contextlib.AsyncExitStack, settings: Settings, dsn: str
) -> tuple[Service, Service]:
    one = await stack.enter_async_context(open_service(settings, dsn, ManualClock(NOON), RULES))
    await open_books(one)
    return one, await stack.enter_async_context(open_service(settings, dsn, ManualClock(NOON), RULES))


async def keep_posting(service: Service, name: str, done: asyncio.Event) -> int:
    """Post, revise, move, adjust and fold until told to stop; return how many rounds that were."""
    for number in itertools.count():
        if done.is_set():
            return number
        first, second = MEMBERS[number % 12], MEMBERS[(number * 5 + 1) % 12]
        ref = f"{name}-{number}"
        await asyncio.gather(
            service.post_stay(stay(ref, first, revision=0), "test"),
            service.post_stay(stay(f"{ref}-no", first, status="no_show"), "test"),
            adjust(service, second, 10, ref),
        )
        await service.post_stay(stay(ref, second, revision=1, amount="10"), "test")
        if number % 10 == 0:
            await fold_accounts(service)
    return 0


async def test_a_no_show_posted_by_one_process_undoes_nothing_that_another_has_posted_meanwhile(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(data_dir=tmp_path, vault_key=VAULT_KEY)
    write, waiting = store.write, [stay("meanwhile", MEMBERS[0])]
    async with contextlib.AsyncExitStack() as stack:
        one, other = await two_processes(stack, settings, database)

        async def write_late(*arguments: Any) -> None:
            if waiting:
                await other.post_stay(waiting.pop(), "test")
            await write(*arguments)

        monkeypatch.setattr(store, "write", write_late)
        await one.post_stay(stay("no-show", MEMBERS[0], status="no_show"), "test")
    report = await verified(database)

    assert told(report) == {}


# --- corruptions ----------------------------------------------------------------------------------------------------

# A member of whom something is so: the first, so that a corruption is one row.
SPENT = "(SELECT member_id FROM journal WHERE kind = 'adjusted' ORDER BY journal_id LIMIT 1)"
FRESH = "(SELECT journal_id FROM journal WHERE reason LIKE '%fresh')"
POSTED = "(SELECT journal_id FROM journal WHERE kind = 'stay_posted' AND reason LIKE '%batch-7')"
BATCHED = "(SELECT member_id FROM journal WHERE reason LIKE '%batch-7' AND kind = 'stay_posted')"
STAY = "(SELECT stay_id FROM journal WHERE reason LIKE '%batch-7' AND kind = 'stay_posted')"
REVISED = "(SELECT stay_id FROM journal WHERE kind = 'stay_posted' AND reason LIKE '% rev')"
NOBODY = "'00000000-0000-7000-8000-000000000000'"
A_LOT_OF_TWO = "lot_id = (SELECT journal_id FROM journal WHERE reason LIKE '%twelve-4')"
LEAF = {"leaves"}

CORRUPTIONS: dict[str, tuple[str, set[str]]] = {
    "a program account's total": (
        (
            "UPDATE account_total SET amount = amount + 1 WHERE account = 'goodwill' AND unit = 'points' AND"
            " shard = (SELECT min(shard) FROM account_total WHERE account = 'goodwill')"
        ),
        {"program_accounts", "zero_sum"},
    ),
    "a delta that was folded twice": (
        "INSERT INTO account_delta SELECT * FROM account_delta LIMIT 1",
        {"program_accounts", "zero_sum"},
    ),
    "a member's available points": (
        f"UPDATE member SET available = available + 5 WHERE member_id = {BATCHED}",
        {"points", "zero_sum"},
    ),
    "a member's held points": (
        f"UPDATE member SET held = 5 WHERE member_id = {BATCHED}",
        {"held", "zero_sum"},
    ),
    "a hold that no transfer knows": (
        (
            "INSERT INTO redemption SELECT shard, journal_id, member_id, 'spa', 1, 'spa', NULL, 'held', 1, 5, 0, 0,"
            " 'CNY', '', '{}', '{}', '', '', NULL, effective_on, recorded_at, 0, 0, 1"
            f" FROM journal WHERE journal_id = {POSTED}"
        ),
        {"held", "redemptions"},
    ),
    "a hold of nobody": (
        (
            f"INSERT INTO redemption SELECT shard, journal_id, {NOBODY}, 'spa', 1, 'spa', NULL, 'released', 1, 5, 0, 0,"
            " 'CNY', '', '{}', '{}', '', '', NULL, effective_on, recorded_at, 0, 0, 1"
            f" FROM journal WHERE journal_id = {POSTED}"
        ),
        {"members_of_redemptions"},
    ),
    "a member's counters": (
        (
            "UPDATE member SET counters = jsonb_set(counters::jsonb, '{2026,nights}', '990')::json"
            f" WHERE member_id = {BATCHED}"
        ),
        {"counters", "zero_sum"},
    ),
    "a member's version": (
        f"UPDATE member SET version = version + 1 WHERE member_id = {BATCHED}",
        {"versions"},
    ),
    "a member's next expiry, too late": (
        "UPDATE member SET next_expiry = next_expiry + 400 WHERE number = 'HX000010'",
        {"next_expiry"},
    ),
    "a member's next expiry, forgotten": (
        "UPDATE member SET next_expiry = NULL WHERE number = 'HX000010'",
        {"next_expiry"},
    ),
    "a member in a shard of no home": (
        "UPDATE member SET number = 'ELSEWHERE-' || shard WHERE number = 'HX000001'",
        {"homes"},
    ),
    "a member who is gone": (
        (
            "DELETE FROM member WHERE number = 'HX000011'; DELETE FROM vault.profile AS p"
            " WHERE NOT EXISTS (SELECT FROM member AS m WHERE m.member_id = p.member_id)"
        ),
        {"members_of_journals", "zero_sum", "keys"},
    ),
    "a profile of nobody": (
        f"UPDATE vault.profile SET member_id = {NOBODY} WHERE member_id = {BATCHED}",
        {"members_of_profiles"},
    ),
    "a journal's balance, with a leaf to match none": (
        f"UPDATE journal SET balance = balance + 1 WHERE journal_id = {POSTED}",
        {"journal_balances", "leaves"},
    ),
    "a journal's reason": (
        f"UPDATE journal SET reason = 'nothing happened' WHERE journal_id = {POSTED}",
        {"leaves"},
    ),
    "a journal recorded before the one that came before it": (
        f"UPDATE journal SET recorded_at = recorded_at - interval '3 days' WHERE journal_id = {POSTED}",
        {"recorded"},
    ),
    "a gap in the versions": (
        (
            f"UPDATE journal SET version = version + 1000 WHERE journal_id = (SELECT journal_id FROM journal"
            f" WHERE member_id = {BATCHED} ORDER BY version DESC LIMIT 1)"
        ),
        {"versions", "leaves"},
    ),
    "a leaf hash": (
        f"UPDATE unsealed SET leaf = sha256('x') WHERE journal_id = {POSTED}",
        {"leaves"},
    ),
    "a leaf that never was": (f"DELETE FROM unsealed WHERE journal_id = {POSTED}", {"leaves"}),
    "a leaf of no journal": (
        f"INSERT INTO unsealed SELECT shard, {NOBODY}, leaf FROM unsealed LIMIT 1",
        {"journals_of_leaves"},
    ),
    "a transfer's amount of points": (
        f"UPDATE transfer SET amount = amount + 1 WHERE journal_id = {POSTED} AND kind = 'base'",
        {"program_accounts", "journal_balances", "points", "lots", "allocations", "leaves", "stays"},
    ),
    "a transfer's amount of nights": (
        f"UPDATE transfer SET amount = amount + 1 WHERE journal_id = {POSTED} AND unit = 'nights'",
        {"program_accounts", "counters", "leaves", "stays"},
    ),
    "a transfer's year": (
        f"UPDATE transfer SET effective_on = '2020-01-01' WHERE journal_id = {POSTED} AND unit = 'nights'",
        {"counters", "leaves", "stays"},
    ),
    "a transfer's program account": (
        f"UPDATE transfer SET debit = 'goodwill' WHERE journal_id = {POSTED} AND kind = 'base'",
        {"program_accounts", "leaves"},
    ),
    "a transfer of nothing": (
        (
            "ALTER TABLE transfer DROP CONSTRAINT transfer_amount_check;"
            " INSERT INTO transfer SELECT shard, journal_id, 6,"
            f" unit, kind, debit, credit, 0, effective_on FROM transfer WHERE journal_id = {POSTED} AND line = 1"
        ),
        {"transfers", "leaves"},
    ),
    "a transfer from an account to itself": (
        (
            "ALTER TABLE transfer DROP CONSTRAINT two_different_accounts;"
            " INSERT INTO transfer SELECT shard, journal_id,"
            f" 5, unit, kind, debit, debit, 1, effective_on FROM transfer WHERE journal_id = {POSTED} AND line = 1"
        ),
        {"transfers", "leaves"},
    ),
    "a transfer of points that is counted like nights": (
        (
            "INSERT INTO transfer SELECT shard, journal_id, 5, unit, kind, debit, 'counted', 1, effective_on"
            f" FROM transfer WHERE journal_id = {POSTED} AND line = 1"
        ),
        {"transfers", "leaves", "program_accounts", "stays"},
    ),
    "a transfer that is gone": (
        f"DELETE FROM transfer WHERE journal_id = {POSTED} AND unit = 'stays'",
        {"transfers", "program_accounts", "counters", "leaves", "stays"},
    ),
    "a transfer of no journal": (
        (
            f"INSERT INTO transfer SELECT shard, {NOBODY}, 1, 'stays', 'count', 'issued', 'goodwill', 1, effective_on"
            f" FROM transfer WHERE journal_id = {POSTED} AND line = 1;"
            " INSERT INTO account_delta SELECT t.shard, a.account, t.unit, a.sign FROM transfer AS t, (VALUES"
            f" ('issued', -1), ('goodwill', 1)) AS a (account, sign) WHERE journal_id = {NOBODY}"
        ),
        {"journals_of_transfers"},
    ),
    "points left in transit": (
        """
        UPDATE transfer SET credit = 'issued' WHERE unit = 'points' AND credit = 'transit' AND journal_id =
            (SELECT journal_id FROM transfer WHERE credit = 'transit' ORDER BY 1 LIMIT 1);
        INSERT INTO account_delta SELECT t.shard, a.account, t.unit, a.sign * t.amount
        FROM transfer AS t, (VALUES ('transit', -1), ('issued', 1)) AS a (account, sign)
        WHERE t.unit = 'points' AND t.journal_id =
            (SELECT journal_id FROM transfer WHERE credit = 'transit' ORDER BY 1 LIMIT 1)
        """,
        {"transit", "leaves", "pairs"},
    ),
    "a lot's remaining points": (
        f"UPDATE lot SET remaining = remaining - 1 WHERE lot_id = {POSTED.replace('batch-7', 'fresh')}",
        {"lots"},
    ),
    "a lot's expired points": (
        f"UPDATE lot SET expired = expired - 1 WHERE lot_id = {POSTED}",
        {"lots"},
    ),
    "a lot's end, put off": (
        f"UPDATE lot SET expires_on = expires_on + 2 WHERE lot_id = {FRESH}",
        {"lots"},
    ),
    "a lot's end, brought forward": (
        f"UPDATE lot SET expires_on = expires_on - 2 WHERE lot_id = {FRESH}",
        {"lots", "next_expiry"},
    ),
    "a lot's beginning": (
        f"UPDATE lot SET amount = amount + 7 WHERE lot_id = {POSTED}",
        {"allocations", "lots"},
    ),
    "a lot of no journal": (
        (
            f"INSERT INTO lot SELECT shard, {NOBODY}, member_id, 5, 5, 0, earned_on, expires_on FROM lot"
            f" WHERE lot_id = {POSTED}"
        ),
        {"journals_of_lots"},
    ),
    "a lot of another member": (
        f"UPDATE lot SET member_id = {NOBODY} WHERE lot_id = {POSTED}",
        {"journals_of_lots"},
    ),
    "a lot that is gone": (
        "DELETE FROM lot WHERE lot_id = (SELECT journal_id FROM journal WHERE reason LIKE '%fresh')",
        {"lots", "allocations", "lots_of_allocations"},
    ),
    "an allocation's amount": (
        (
            "UPDATE allocation SET amount = amount - 1 WHERE kind = 'spend' AND journal_id ="
            " (SELECT journal_id FROM allocation WHERE kind = 'spend' ORDER BY 1 DESC LIMIT 1)"
        ),
        {"allocations", "lots"},
    ),
    "a repayment that is gone": (
        "DELETE FROM allocation WHERE kind = 'repayment'",
        {"allocations", "lots"},
    ),
    "an allocation of a kind that its journal can't have": (
        (
            "UPDATE allocation SET kind = 'reversal' WHERE kind = 'spend' AND journal_id ="
            " (SELECT journal_id FROM allocation WHERE kind = 'spend' ORDER BY 1 DESC LIMIT 1)"
        ),
        {"allocations"},
    ),
    "an allocation of no journal": (
        f"INSERT INTO allocation SELECT shard, {NOBODY}, lot_id, kind, amount FROM allocation LIMIT 1",
        {"journals_of_allocations"},
    ),
    "an allocation on no lot": (
        f"UPDATE allocation SET lot_id = {NOBODY} WHERE kind = 'expiry' AND lot_id = {POSTED}",
        {"lots_of_allocations", "allocations", "lots"},
    ),
    "points that expired before their time": (
        f"UPDATE lot SET expires_on = '2030-01-01' WHERE lot_id = {POSTED}",
        {"draw_order", "lots"},
    ),
    "a spend from the later of two lots": (
        # The spend came from the adjustment of today; `fresh` expires earlier and had points.
        (
            "UPDATE allocation SET lot_id = (SELECT l.lot_id FROM lot AS l WHERE l.member_id = {member} AND"
            " l.lot_id <> allocation.lot_id AND l.remaining > 0 ORDER BY 1 DESC LIMIT 1)"
            " WHERE kind = 'spend' AND journal_id ="
            " (SELECT journal_id FROM allocation WHERE kind = 'spend' ORDER BY 1 DESC LIMIT 1);"
            " UPDATE lot SET remaining = amount - (SELECT coalesce(sum(a.amount), 0) FROM allocation AS a"
            " WHERE a.lot_id = lot.lot_id) WHERE member_id = {member} AND expired = 0"
        ),
        {"draw_order"},
    ),
    "an award that was raised": (
        f"UPDATE stay_revision SET award = jsonb_set(award::jsonb, '{{base}}', '1001') WHERE stay_id = {STAY}",
        {"stays"},
    ),
    "an award that can't be read": (
        f"UPDATE stay_revision SET award = '[]' WHERE stay_id = {STAY}",
        {"stays"},
    ),
    "an earlier award": (
        (
            "UPDATE stay_revision SET award = jsonb_set(award::jsonb, '{counts,nights}', '30')"
            f" WHERE stay_id = {REVISED} AND revision = 2"
        ),
        {"revisions"},
    ),
    "an award for a stay that was never posted": (
        (
            "UPDATE stay_revision SET award = jsonb_set(award::jsonb, '{base}', '1')"
            " WHERE snapshot->>'stay_ref' = 'noshow' AND revision = 1"
        ),
        {"stays"},
    ),
    "a tier that the program hasn't": (
        (
            "UPDATE stay_revision SET award = jsonb_set(award::jsonb, '{tier}', '\"titanium\"')"
            f" WHERE stay_id = {STAY}"
        ),
        {"judged_tiers"},
    ),
    "a revision that names no journal any more": (
        f"UPDATE stay_revision SET journal_id = NULL WHERE stay_id = {REVISED} AND revision = 2",
        {"revisions"},
    ),
    "a revision of a journal that isn't there": (
        f"UPDATE stay_revision SET journal_id = {NOBODY} WHERE stay_id = {REVISED} AND revision = 2",
        {"revisions", "journals_of_revisions"},
    ),
    "a stay whose revisions are gone": (
        f"DELETE FROM stay_revision WHERE stay_id = {STAY}",
        {"revisions", "stays_of_directory"},
    ),
    "a stay reversed by more than it had earned": (
        (
            "UPDATE transfer SET amount = amount + 1 WHERE unit = 'nights' AND journal_id ="
            " (SELECT journal_id FROM journal WHERE kind = 'stay_reversed' AND reason LIKE '%ten-3')"
        ),
        {"reversals", "stays", "program_accounts", "counters", "leaves"},
    ),
    "a natural key that leads to another member": (
        f"UPDATE stay_directory SET member_id = {NOBODY} WHERE stay_ref = 'batch-7'",
        {"directory"},
    ),
    "a natural key that leads nowhere": (
        f"UPDATE stay_directory SET stay_id = {NOBODY} WHERE stay_ref = 'batch-7'",
        {"directory", "stays_of_directory"},
    ),
    "a natural key that is gone": (
        "DELETE FROM stay_directory WHERE stay_ref = 'batch-7'",
        {"directory"},
    ),
    "two natural keys of one stay": (
        (
            "INSERT INTO stay_directory SELECT source, property, 'twin', leg, shard, member_id, stay_id"
            " FROM stay_directory WHERE stay_ref = 'batch-7'"
        ),
        {"stays_of_directory"},
    ),
    "a natural key that leads back to where the stay has left": (
        (
            "UPDATE stay_directory SET (shard, member_id, stay_id) ="
            " (SELECT shard, member_id, stay_id FROM stay_revision"
            " WHERE outcome = 'moved' ORDER BY revision LIMIT 1) WHERE stay_ref = 'moves'"
        ),
        {"directory"},
    ),
    "a milestone that was never crossed": (
        (
            "INSERT INTO milestone_grant SELECT shard, member_id, milestone, 2, status, journal_id, changed_at"
            " FROM milestone_grant WHERE status = 'granted'"
        ),
        {"milestones", "rewards"},
    ),
    "a milestone that wasn't taken back": (
        "UPDATE milestone_grant SET status = 'granted' WHERE status = 'revoked'",
        {"milestones", "rewards"},
    ),
    "a milestone that is gone": (
        "DELETE FROM milestone_grant WHERE status = 'granted'",
        {"milestones", "rewards"},
    ),
    "a milestone granted by no journal": (
        f"UPDATE milestone_grant SET journal_id = {NOBODY}",
        {"journals_of_grants"},
    ),
    "a move whose other half is another journal": (
        (
            f"UPDATE journal SET linked_id = {POSTED} WHERE journal_id ="
            " (SELECT journal_id FROM journal WHERE kind = 'stay_moved_in' ORDER BY 1 DESC LIMIT 1)"
        ),
        {"linked", "leaves"},
    ),
    "a move without another half": (
        (
            "UPDATE journal SET linked_id = NULL WHERE journal_id ="
            " (SELECT journal_id FROM journal WHERE kind = 'stay_moved_in' ORDER BY 1 DESC LIMIT 1)"
        ),
        {"linked", "leaves"},
    ),
    "a kept reply that isn't JSON": (
        "UPDATE idempotency_key SET reply = left(reply, 20) WHERE key = 'credit'",
        {"keys"},
    ),
    "a kept reply that names no journal": (
        (
            "UPDATE idempotency_key SET reply = regexp_replace(reply, 'jrn_[0-9a-f]{8}', 'jrn_00000000')"
            " WHERE key = 'credit'"
        ),
        {"keys"},
    ),
    "a kept reply whose journal id is none": (
        "UPDATE idempotency_key SET reply = replace(reply, 'jrn_', 'jrn-') WHERE key = 'credit'",
        {"keys"},
    ),
    "an event of no journal": (
        "UPDATE outbox SET journal_id = "
        + NOBODY
        + " WHERE event_id = (SELECT event_id FROM outbox ORDER BY 1 LIMIT 1)",
        {"journals_of_events"},
    ),
}
MEMBER_OF_LAST_SPEND = (
    "(SELECT member_id FROM journal WHERE journal_id ="
    " (SELECT journal_id FROM journal WHERE kind = 'adjusted' ORDER BY 1 DESC LIMIT 1))"
)


@pytest.mark.parametrize("what", CORRUPTIONS)
def test_it_finds(books: str, what: str) -> None:
    sql, expected = CORRUPTIONS[what]
    corrupt(books, sql.replace("{member}", MEMBER_OF_LAST_SPEND))
    report = asyncio.run(verified(books))

    assert expected == set(told(report)), told(report)


def test_every_check_finds_a_corruption() -> None:
    found = set[str]().union(*(checks for _, checks in CORRUPTIONS.values()))

    # Those of rewards and vouchers, of redemptions, and of what is between people, are in files of their own.
    elsewhere = {"reward_points", "journals_of_rewards", "vouchers", "journals_of_vouchers"}
    assert set(CHECKS) - elsewhere - BETWEEN_PEOPLE - CLAIMS == found - CLAIMS


def test_a_whole_journal_forged_with_its_leaf_is_found_by_the_books_around_it(books: str) -> None:
    corrupt(
        books,
        "INSERT INTO transfer SELECT shard, journal_id, 5, unit, kind, debit, credit, 100, effective_on"
        f" FROM transfer WHERE journal_id = {POSTED} AND line = 1;"
        f" UPDATE member SET available = available + 100 WHERE member_id = {BATCHED};"
        f" UPDATE journal SET balance = balance + 100 WHERE member_id = {BATCHED} AND version >="
        f" (SELECT version FROM journal WHERE journal_id = {POSTED});"
        " INSERT INTO account_delta SELECT shard, 'issued', 'points', -100 FROM journal WHERE journal_id ="
        f" {POSTED}",
    )
    report = asyncio.run(verified(books))

    assert set(told(report)) == {"allocations", "lots", "leaves", "stays"}


# --- the digest -----------------------------------------------------------------------------------------------------

STAYS = [stay(f"r-{number}", MEMBERS[number % 4], arrival=f"2026-01-{1 + number:02}") for number in range(16)]


def test_the_same_stays_in_any_order_give_the_same_books(
    postgres: EmbeddedPostgres, blank: str, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    orders = [STAYS, STAYS[::-1], STAYS[5:] + STAYS[:5]]
    digests: list[str] = []
    for order in orders:
        dsn = postgres.dsn_of(make_database(blank))
        with_service(dsn, tmp_path, lambda service, _, order=order: post_all(service, order))
        digests.append(asyncio.run(digest(dsn)))

    assert len(set(digests)) == 1


def test_books_that_differ_in_one_stay_have_another_digest(
    postgres: EmbeddedPostgres, blank: str, make_database: Callable[[str], str], tmp_path: Path
) -> None:
    others = [stay("r-0", MEMBERS[0], arrival="2026-01-01", amount="1000.00"), *STAYS[1:]]
    cheaper = [stay("r-0", MEMBERS[0], arrival="2026-01-01", amount="999.00"), *STAYS[1:]]
    digests: list[str] = []
    for stays in (STAYS, others, cheaper, STAYS[:-1]):
        dsn = postgres.dsn_of(make_database(blank))
        with_service(dsn, tmp_path, lambda service, _, stays=stays: post_all(service, stays))
        digests.append(asyncio.run(digest(dsn)))

    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


async def post_all(service: Service, stays: list[StayPosting]) -> None:
    await open_books(service, MEMBERS[:4])
    for one in stays:
        await service.post_stay(one, "test")


def test_points_whose_time_is_up_count_as_expired_whether_or_not_it_was_written_down(
    database: str, tmp_path: Path
) -> None:
    after = dt.date(2028, 6, 1)
    digests: list[str] = []

    async def work(service: Service, clock: ManualClock) -> None:
        await post_all(service, STAYS)
        digests.append(await digest(database, after))
        digests.append(await digest(database, AS_OF))
        clock.set(dt.datetime(2028, 6, 1, 12, tzinfo=dt.UTC))
        await expire_due(service)
        digests.append(await digest(database, after))

    with_service(database, tmp_path, work)
    before, early, written_down = digests

    assert before == written_down
    assert before != early


# --- the command ----------------------------------------------------------------------------------------------------


def run_command(dsn: str, *arguments: str, **env: str) -> Result:
    environment = {"LOYALTY_DATABASE_URL": dsn, "LOYALTY_VAULT_KEY": VAULT_KEY, **env}
    return CliRunner().invoke(command, list(arguments), env=environment)


def test_the_command_prints_a_table_and_exits_0_on_clean_books(books: str) -> None:
    result = run_command(books)

    assert (result.exit_code, result.stderr) == (0, "")
    assert "The books are right. 12 members, " in result.stdout
    assert all(check in result.stdout for check in CHECKS)


def test_the_command_exits_1_and_names_what_differs(books: str) -> None:
    corrupt(books, "UPDATE member SET version = version + 1")
    result = run_command(books)

    assert result.exit_code == 1
    assert "versions (first 5 of 12)" in result.stdout
    assert "mem_" in result.stdout
    assert "The books differ." in result.stdout


def test_the_command_prints_json_with_the_digest_of_the_day_asked_for(books: str) -> None:
    result = run_command(books, "--json", "--as-of", "2027-01-01", "--batch", "5")
    printed = json.loads(result.stdout)

    assert result.exit_code == 0
    assert (printed["clean"], printed["as_of"], printed["program"]) == (True, "2027-01-01", "house@1")
    assert list(CHECKS) == [row["check"] for row in printed["checks"]]
    assert printed["books"] == asyncio.run(digest(books))


def test_a_single_shard_has_no_digest(books: str) -> None:
    printed = json.loads(run_command(books, "--json", "--shard", "1").stdout)

    assert (printed["shard"], printed["books"]) == (1, None)


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_the_command_exits_2_on_a_database_without_our_schema(
    empty_database: str, arguments: tuple[str, ...]
) -> None:
    result = run_command(empty_database, *arguments)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "Run `loyalty migrate` first." in result.stderr


def test_the_command_exits_2_when_there_is_no_such_shard(books: str) -> None:
    result = run_command(books, "--shard", "9")

    assert result.exit_code == 2
    assert "There is no shard 9; there are 0 to 3." in result.stderr


def test_the_command_exits_2_when_the_database_cannot_be_reached() -> None:
    result = run_command("postgresql://nobody@127.0.0.1:9/nothing")

    assert result.exit_code == 2
    assert "can't connect to the database" in result.stderr


def test_the_command_exits_2_on_settings_that_cannot_be_used(books: str) -> None:
    result = run_command(books, LOYALTY_POOL_SIZE="0")

    assert result.exit_code == 2
    assert "LOYALTY_POOL_SIZE" in result.stderr


def test_the_guide_explains_every_check() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "verify.md").read_text("utf-8")

    assert [check for check in CHECKS if f"`{check}`" not in guide] == []
