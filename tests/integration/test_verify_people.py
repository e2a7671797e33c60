"""`loyalty verify` finds what was tampered with between people, each by the check that says so."""

import asyncio
import itertools
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from loyalty.commands.end_status import EndStatus
from loyalty.commands.give_status import GiveStatus, StatusRequest
from loyalty.ids import UUID, parse
from loyalty.members.model import EnrolRequest
from loyalty.verify.report import Report
from loyalty.verify.run import open_verification
from loyalty.verify.show import Quiet
from tests.builders import reply
from tests.conftest import run_sql
from tests.property.live import opened
from tests.property.test_moving_live import (
    RULES,
    Movers,
    bring,
    consent,
    found_household,
    home,
    leave,
    merge,
    pay,
    redeemed,
    refund,
    spend,
    stays,
    unmerge,
    visit,
)

SUPERVISOR = UUID(bytes(15) + b"\x02")
MEMBERS = ("T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9")
_numbers = itertools.count(1)


def live_together(books: Movers) -> None:
    """Let members have to do with each other in all the ways there are."""
    for number in MEMBERS:
        request = EnrolRequest(books.prefix + number, enrolled_on=date(2024, 1, 1))
        books.one(books.service.enrol(request, "test", books.key(number, request)))
    _complain(books)
    for newcomer in ("N1", "N2"):
        bring(books, newcomer)
    visit(books, "N1")
    pay(books)
    # One account that stays merged, and what it was given along with it; one whose merge is undone.
    _give_tiers(books)
    stays(books, "T2", [100, 50, 20])
    books.have("T2", 25)
    redemption = redeemed(books, "T2", 2)
    books.one(merge(books, "T2", "T3", "for good"))
    books.one(refund(books, redemption))
    stays(books, "T4", [80])
    undone = reply(books.one(merge(books, "T4", "T5", "for a while")))
    books.one(unmerge(books, undone["merge_id"]))
    _pool(books)
    books.have("T1", 200)
    books.one(books.give("T1", "T8", 50, "gift"))


def _complain(books: Movers) -> None:
    books.one(books.compensate("T1", 60, "little"))
    for name, points, verdict in (
        ("much", 150, "approved"),
        ("too much", 180, "rejected"),
        ("open", 120, None),
    ):
        proposal = reply(books.one(books.compensate("T1", points, name)))
        if verdict is not None:
            books.one(books.judge(proposal["approval_id"], verdict, SUPERVISOR))


def _give_tiers(books: Movers) -> None:
    for number, tier, kind in (
        ("T1", "gold", "gifted"),
        ("T1", "platinum", "matched"),
        ("T2", "gold", "matched"),
    ):
        request = StatusRequest(tier, kind, "because")
        key = books.key(f"{number} {tier}", request)
        books.one(books.service.submit(GiveStatus(books.prefix + number, request, "test", key)))
    books.one(books.service.submit(EndStatus(books.prefix + "T1", "platinum", "matched", "test")))


def _pool(books: Movers) -> None:
    books.have("T6", 100)
    together = home(books, "T6", "T7")
    books.one(consent(books, together, "T8", "household"))
    books.one(spend(books, "T7", 40, "together"))
    parted = home_of(books, "T9")
    books.one(leave(books, parted, "T9"))


def home_of(books: Movers, head: str) -> UUID:
    """Found a household under a key of its own."""
    made = reply(books.one(found_household(books, head, "another")))
    found = parse("hsh", made["household_id"])
    assert found is not None
    return found


@pytest.fixture(scope="module")
def lived_in(postgres: Any, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database in which members had to do with each other."""
    run_sql(postgres.dsn, f"CREATE DATABASE people TEMPLATE {migrated_template}")
    with opened(postgres.dsn_of("people"), RULES, tmp_path_factory.mktemp("people")) as live:
        live_together(Movers(live))
    return "people"


@pytest.fixture
def books(postgres: Any, lived_in: str) -> Iterator[str]:
    """The address of a copy of it."""
    name = f"people_{next(_numbers)}"
    run_sql(postgres.dsn, f"CREATE DATABASE {name} TEMPLATE {lived_in}")
    yield postgres.dsn_of(name)
    run_sql(postgres.dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def verified(dsn: str) -> Report:
    async with open_verification(dsn, RULES, Quiet()) as verification:
        return await verification.run()


def told(report: Report) -> dict[str, list[str]]:
    return {name: tally.examples for name, tally in report.tallies.items() if tally.differences}


async def test_people_are_clean_after_all_that_they_can_have_to_do_with_each_other(books: str) -> None:
    report = await verified(books)
    looked_at = {name for name, tally in report.tallies.items() if tally.checked}

    assert told(report) == {}
    assert looked_at >= CHECKED


CHECKED = {
    "pairs", "four_eyes", "approvals", "referrals", "merges", "closed_books", "households", "pools", "statuses",
    "referrals_of_journals", "merges_of_members",
}  # fmt: skip

NOBODY = "'00000000-0000-7000-8000-000000000000'"
APPROVED = "status = 'approved'"
LITTLE = "(SELECT journal_id FROM journal WHERE kind = 'compensated' ORDER BY version LIMIT 1)"
PAID = "status = 'paid'"
CLOSED = "status = 'closed'"
GIFT = "(SELECT journal_id FROM journal WHERE kind = 'transfer_received' AND reason = 'gift')"
POOLED = "(SELECT journal_id FROM journal WHERE kind = 'transfer_received' AND reason = 'household')"
PAYING = "(SELECT journal_id FROM journal WHERE kind = 'referral')"
OTHER = "(SELECT member_id FROM member WHERE number LIKE '%T9')"


def id_of(number: str) -> str:
    """Write the SQL for a member's id as the API shows it."""
    return f"(SELECT 'mem_' || replace(member_id::text, '-', '') FROM member WHERE number LIKE '%{number}')"


FORGERIES: dict[str, tuple[str, set[str]]] = {
    # Compensation and approvals.
    "an approval that is gone": (f"DELETE FROM approval WHERE {APPROVED}", {"four_eyes"}),
    "an approval by who proposed it": (
        (
            f"ALTER TABLE approval DROP CONSTRAINT never_by_the_proposer; UPDATE approval SET decider = proposer"
            f" WHERE {APPROVED}"
        ),
        {"approvals"},
    ),
    "an approval by somebody else than the journal says": (
        f"UPDATE approval SET decided_by = 'nobody' WHERE {APPROVED}",
        {"approvals"},
    ),
    "an approval of other points": (
        f"UPDATE approval SET request = jsonb_set(request::jsonb, '{{points}}', '149') WHERE {APPROVED}",
        {"approvals"},
    ),
    "a proposal that can't be read": (f"UPDATE approval SET request = '[]' WHERE {APPROVED}", {"approvals"}),
    "an approval that names another compensation": (
        f"UPDATE approval SET journal_id = {LITTLE} WHERE {APPROVED}",
        {"approvals", "four_eyes"},
    ),
    "an approval that names no compensation": (
        f"UPDATE approval SET journal_id = {GIFT} WHERE {APPROVED}",
        {"approvals", "four_eyes"},
    ),
    "an approval for another member": (
        f"UPDATE approval SET member_id = {OTHER} WHERE {APPROVED}",
        {"approvals"},
    ),
    "an approval that was opened again": (
        (
            "ALTER TABLE approval DROP CONSTRAINT decided_once, DROP CONSTRAINT only_what_is_approved_posts;"
            f" UPDATE approval SET status = 'open' WHERE {APPROVED}"
        ),
        {"approvals", "four_eyes"},
    ),
    "an approval without a journal": (
        (
            "ALTER TABLE approval DROP CONSTRAINT only_what_is_approved_posts;"
            f" UPDATE approval SET journal_id = NULL WHERE {APPROVED}"
        ),
        {"approvals", "four_eyes"},
    ),
    "a journal that was approved twice": (
        (
            "INSERT INTO approval SELECT shard, gen_random_uuid(), member_id, request, proposer, proposed_by,"
            f" proposed_at, status, decider, decided_by, decided_at, journal_id, reply FROM approval WHERE {APPROVED}"
        ),
        {"approvals"},
    ),
    # Referrals.
    "a referral that is gone": (f"DELETE FROM referral WHERE {PAID}", {"referrals_of_journals"}),
    "a referral that waits again": (
        f"UPDATE referral SET status = 'waiting', journal_id = NULL WHERE {PAID}",
        {"referrals_of_journals"},
    ),
    "a referral that was paid by another's journal": (
        f"UPDATE referral SET status = 'paid', journal_id = {PAYING} WHERE status = 'waiting'",
        {"referrals_of_journals"},
    ),
    "a referral that was paid by no journal": (
        f"UPDATE referral SET journal_id = {NOBODY} WHERE {PAID}",
        {"referrals", "referrals_of_journals"},
    ),
    "a referral that was paid without a journal": (
        (
            "ALTER TABLE referral DROP CONSTRAINT only_what_is_paid_posts;"
            f" UPDATE referral SET journal_id = NULL WHERE {PAID}"
        ),
        {"referrals", "referrals_of_journals"},
    ),
    "a referral by another member": (
        f"UPDATE referral SET referrer_id = {OTHER} WHERE {PAID}",
        {"referrals"},
    ),
    "a referral by another member, in the newcomer's traits too": (
        (
            f"UPDATE referral SET referrer_id = {OTHER} WHERE {PAID}; UPDATE member SET"
            f" traits = traits || jsonb_build_object('referred_by', {id_of('T9')}) WHERE number LIKE '%N1'"
        ),
        {"referrals"},
    ),
    "a newcomer who names nobody": (
        "UPDATE member SET traits = traits - 'referred_by' WHERE number LIKE '%N2'",
        {"referrals"},
    ),
    "a referral of nobody": (f"UPDATE referral SET member_id = {NOBODY} WHERE {PAID}", {"referrals"}),
    "a referral that paid more than the program says": (
        f"UPDATE transfer SET amount = amount + 1 WHERE journal_id = {PAYING} AND unit = 'points'",
        {"referrals", "leaves", "program_accounts", "points", "journal_balances", "lots", "allocations"},
    ),
    # Merges.
    "a merge that is gone": ("DELETE FROM member_merge WHERE status = 'merged'", {"merges_of_members"}),
    "a merge that seems undone": (
        "UPDATE member_merge SET status = 'unmerged'",
        {"merges", "merges_of_members"},
    ),
    "an undone merge that stands": ("UPDATE member_merge SET status = 'merged'", {"merges"}),
    "a merge of other versions": (
        "UPDATE member_merge SET first = first - 1 WHERE status = 'merged'",
        {"merges"},
    ),
    "a merge that stands twice": (
        (
            "INSERT INTO member_merge SELECT shard, gen_random_uuid(), member_id, into_id, first, last, owed, counters,"
            " traits, status FROM member_merge WHERE status = 'merged'"
        ),
        {"merges"},
    ),
    "a merge into nobody": (
        f"UPDATE member_merge SET into_id = {NOBODY} WHERE status = 'merged'",
        {"merges"},
    ),
    "a closed account that doesn't say who stands for it": (
        f"UPDATE member SET traits = traits - 'merged_into' WHERE {CLOSED}",
        {"merges"},
    ),
    "a closed account that says another stands for it": (
        f"UPDATE member SET traits = traits || jsonb_build_object('merged_into', {id_of('T9')}) WHERE {CLOSED}",
        {"merges", "closed_books"},
    ),
    "a survivor that stands for nobody": (
        "UPDATE member SET traits = traits - 'merged' WHERE traits ? 'merged'",
        {"merges", "statuses"},
    ),
    "a closed account that stands for one of its own": (
        f"UPDATE member SET traits = traits || jsonb_build_object('merged', ARRAY[{id_of('T9')}]) WHERE {CLOSED}",
        {"merges"},
    ),
    "a closed account that is open again": (
        f"UPDATE member SET status = 'active' WHERE {CLOSED}",
        {"merges"},
    ),
    "an account that is closed without a merge": (
        "UPDATE member SET status = 'closed' WHERE number LIKE '%T9'",
        {"merges", "merges_of_members"},
    ),
    "a closed account with points": (
        f"UPDATE member SET available = 5 WHERE {CLOSED}",
        {"closed_books", "points", "zero_sum"},
    ),
    "a closed account with counters": (
        f'UPDATE member SET counters = \'{{"2026": {{"nights": 10}}}}\' WHERE {CLOSED}',
        {"closed_books", "counters", "zero_sum"},
    ),
    "what one sent is not what the other received": (
        f"UPDATE transfer SET amount = amount + 1 WHERE journal_id = {GIFT} AND unit = 'points'",
        {"pairs", "leaves", "program_accounts", "points", "journal_balances", "lots", "allocations"},
    ),
    # Households.
    "a seat that is gone": (
        (
            "UPDATE household SET seats = (SELECT json_agg(s) FROM json_array_elements(seats) WITH ORDINALITY"
            " AS a (s, n) WHERE n <> 2) WHERE status = 'open'"
        ),
        {"households"},
    ),
    "a seat of nobody's own": (
        (
            "UPDATE household SET seats = (SELECT json_agg(CASE n WHEN 3 THEN (s::jsonb || '{\"member\": true}')::json"
            " ELSE s END) FROM json_array_elements(seats) WITH ORDINALITY AS a (s, n)) WHERE status = 'open'"
        ),
        {"households"},
    ),
    "somebody who is there twice": (
        "UPDATE household SET seats = (seats::jsonb || (seats::jsonb -> 2))::json WHERE status = 'open'",
        {"households"},
    ),
    "seats that can't be read": ("UPDATE household SET seats = '{}' WHERE status = 'open'", {"households"}),
    "a household that is gone": ("DELETE FROM household WHERE status = 'open'", {"households"}),
    "a household that is closed, with members": (
        "UPDATE household SET status = 'closed' WHERE status = 'open'",
        {"households"},
    ),
    "a household led by another": (
        f"UPDATE household SET head_id = {OTHER} WHERE status = 'open'",
        {"households"},
    ),
    "a member who has forgotten its household": (
        "UPDATE member SET traits = traits - 'household' WHERE number LIKE '%T7'",
        {"households", "pools"},
    ),
    "a member of a household that isn't there": (
        "UPDATE member SET traits = traits || '{\"household\": \"hsh_0\"}' WHERE number LIKE '%T9'",
        {"households", "pools"},
    ),
    "points that were pooled with a stranger": (
        f"UPDATE journal SET reason = 'household' WHERE journal_id = {GIFT}",
        {"pools", "leaves"},
    ),
    "a household that was joined twice": (
        "UPDATE journal SET kind = 'household_joined' WHERE kind = 'household_left'",
        {"pools", "leaves"},
    ),
    # Tiers that were given.
    "a tier that nobody gave": (
        (
            'UPDATE member SET traits = traits || \'{"statuses": [{"tier": "gold", "kind": "gifted",'
            ' "first": "2026-01-01"}]}\' WHERE number LIKE \'%T9\''
        ),
        {"statuses"},
    ),
    "a tier that was given and is gone": (
        "UPDATE member SET traits = traits - 'statuses' WHERE number LIKE '%T1'",
        {"statuses"},
    ),
    "a tier that came with a merge and is gone": (
        "UPDATE member SET traits = traits - 'statuses' WHERE number LIKE '%T3'",
        {"statuses"},
    ),
    "a given tier that the program hasn't": (
        "UPDATE member SET traits = jsonb_set(traits, '{statuses,0,tier}', '\"titanium\"') WHERE number LIKE '%T1'",
        {"statuses"},
    ),
    "a given tier that ends before it begins": (
        "UPDATE member SET traits = jsonb_set(traits, '{statuses,0,last}', '\"2020-01-01\"') WHERE number LIKE '%T1'",
        {"statuses"},
    ),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_it_finds(books: str, what: str) -> None:
    forgery, expected = FORGERIES[what]
    run_sql(books, f"SET session_replication_role = replica; {forgery}")
    report = asyncio.run(verified(books))

    assert expected == set(told(report)), told(report)


ACTIVE = "SET status = 'active', traits = traits - 'merged_into'"


@pytest.mark.parametrize(
    "pretence", [ACTIVE, f"SET traits = traits || jsonb_build_object('merged_into', {id_of('T3')})"],
    ids=["they stay with it", "they go to another"],
)  # fmt: skip
def test_it_finds_refunded_points_that_do_not_go_on_to_the_survivor(
    database: str, tmp_path: Path, pretence: str
) -> None:
    """All else of such a refund is right: it is posted while the account seems to be what it isn't."""
    truth = f"SET status = 'closed', traits = traits || jsonb_build_object('merged_into', {id_of('T2')})"
    with opened(database, RULES, tmp_path) as live:
        books = Movers(live)
        for number in ("T1", "T2", "T3"):
            request = EnrolRequest(books.prefix + number)
            books.one(books.service.enrol(request, "test", books.key(number, request)))
        books.have("T1", 100)
        redemption = redeemed(books, "T1", 8)
        books.one(merge(books, "T1", "T2"))
        books.one(refund(books, redemption, "rightly", 1))
        before = live.verify()
        run_sql(database, f"UPDATE member {pretence} WHERE number LIKE '%T1'")
        books.one(refund(books, redemption, "wrongly", 1))
        run_sql(database, f"UPDATE member {truth} WHERE number LIKE '%T1'")
        found = live.verify()

    assert ({}, {"closed_books"}) == (before, found.keys())


def test_it_finds_a_survivor_that_forgot_whom_a_merged_account_stood_for(
    database: str, tmp_path: Path
) -> None:
    with opened(database, RULES, tmp_path) as live:
        books = Movers(live)
        for number in ("T1", "T2", "T3"):
            request = EnrolRequest(books.prefix + number)
            books.one(books.service.enrol(request, "test", books.key(number, request)))
        for old, new in (("T1", "T2"), ("T2", "T3")):
            books.one(merge(books, old, new, f"{old} to {new}"))
        before = live.verify()
        run_sql(
            database,
            f"UPDATE member SET traits = traits || jsonb_build_object('merged', ARRAY[{id_of('T2')}])"
            " WHERE number LIKE '%T3'",
        )
        found = live.verify()

    assert ({}, {"merges"}) == (before, found.keys())


def test_every_check_of_people_finds_a_forgery() -> None:
    assert set[str]().union(*(found for _, found in FORGERIES.values())) >= CHECKED
