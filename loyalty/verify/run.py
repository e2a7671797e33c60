"""Verification of a live database: batch by batch, each in one snapshot, so that postings may go on meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from datetime import date
from typing import Final, Protocol

import msgspec
from asyncpg import Connection
from msgspec import Struct

from loyalty import ids
from loyalty.commands import versions
from loyalty.commands.rulebook import Rulebook
from loyalty.db import SERVICE_ROLE, connect
from loyalty.ids import UUID, show
from loyalty.migrate import outstanding
from loyalty.partners import store as partners_store
from loyalty.partners.catalogue import NOTHING
from loyalty.program import store as program_store
from loyalty.program.model import HOUSE
from loyalty.program.reading import read
from loyalty.verify import approvals, books, checks, people, redemptions, settlement, store
from loyalty.verify.model import Account, Batch, Kept, StayFile
from loyalty.verify.notes import check_notes
from loyalty.verify.report import Report
from loyalty.verify.stays import check_stay, count_stays
from loyalty.verify.vouchers import check_vouchers
from loyalty.vouchers.codes import Codes

BATCH: Final = 2_000
"""Members to take at a time."""
_BREATH: Final = 20
"""Members to check before the connection has its turn."""
_PAGE: Final = 2_000
_CREATED: Final = 201

ORPHANS: Final = {
    "journals_of_transfers": "jrn", "journals_of_lots": "lot", "journals_of_allocations": "jrn",
    "lots_of_allocations": "lot", "journals_of_leaves": "jrn", "journals_of_events": "evt",
    "journals_of_revisions": "sty", "journals_of_grants": "mem", "journals_of_rewards": "rwd",
    "journals_of_vouchers": "vch",
    "referrals_of_journals": "jrn", "merges_of_members": "mem", "members_of_redemptions": "red",
    "redemptions_of_steps": "red",
    "members_of_profiles": "mem", "stays_of_directory": "sty",
}  # fmt: skip
"""Checks that nothing hangs in the air, each with the prefix of the ids it tells."""


class CannotVerifyError(Exception):
    """The database can't be verified; the message says why, and what to do."""


class Progressing(Protocol):
    """What is told on the way."""

    def begin(self, journals: int) -> None:
        """Say about how many journals there are."""
        ...

    def at(self, journals: int, what: str) -> None:
        """Say how many journals are done, and what comes now."""
        ...


class Reply(Struct):
    """What a reply kept under a key may name."""

    journal_id: str | None = None
    member_id: str | None = None


_reply = msgspec.json.Decoder(Reply).decode


class Verification:
    """One run over a database, or over one of its shards."""

    def __init__(
        self, connection: Connection, rules: Rulebook, progress: Progressing, *, batch: int = BATCH,
        codes: Codes | None = None,
    ) -> None:  # fmt: skip
        """Take `batch` members at a time. Without what makes the codes of vouchers, those aren't checked."""
        self._codes = codes
        self.report = Report()
        self._connection = connection
        self.rules = rules
        self._progress = progress
        self._batch = batch
        self._shards: list[int] = []

    async def run(self, only: int | None = None) -> Report:
        """Check everything; with `only`, what lives in that shard."""
        self._shards = await store.read_shards(self._connection)
        if only is not None and only not in self._shards:
            raise CannotVerifyError(f"There is no shard {only}; there are 0 to {len(self._shards) - 1}.")
        chosen = self._shards if only is None else [only]
        sizes = [await store.read_size(self._connection, shard) for shard in chosen]
        self._progress.begin(sum(journals for _, journals in sizes))
        for shard in chosen:
            await self._verify_shard(shard)
        if only is None:
            await self._verify_transit()
            await self._verify_settlement()
            await self._verify_keys()
        return self.report

    async def digest(self, as_of: date) -> str:
        """Return the digest of the books on a day."""
        self._progress.at(self.report.journals, "books")
        async with self._snapshot():
            return await books.digest(self._connection, self.rules, as_of)

    @asynccontextmanager
    async def _snapshot(self) -> AsyncGenerator[None]:
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            yield

    async def _verify_shard(self, shard: int) -> None:
        self._progress.at(self.report.journals, f"accounts of shard {shard}")
        async with self._snapshot():
            self._check_accounts(shard, await store.read_accounts(self._connection, shard))
        await self._verify_members(shard)
        await self._verify_idle_stays(shard)
        await self._verify_people(shard)
        await self._verify_claims(shard)
        for check, prefix in ORPHANS.items():
            self._progress.at(self.report.journals, f"shard {shard}: {check.replace('_', ' ')}")
            found = await store.read_orphans(self._connection, check, shard)
            self.report.counted(check, found.checked)
            for place, one in enumerate(found.ids or ()):
                rest = found.missing - len(found.ids or ()) + 1 if place == 0 else 1
                self.report.differs(check, show(prefix, one), rest)

    # --- members --------------------------------------------------------------------------------------------------

    async def _verify_members(self, shard: int) -> None:
        """Check members batch by batch; while one is checked the database already works on the next."""
        reading: asyncio.Task[Batch] | None = asyncio.create_task(self._read_batch(shard, store.FIRST))
        try:
            while reading is not None:
                self._progress.at(self.report.journals, f"members of shard {shard}")
                batch = await reading
                reading = None if batch.last else asyncio.create_task(self._read_batch(shard, batch.upto))
                await self._check_batch(batch)
        finally:
            if reading is not None:
                reading.cancel()
                await asyncio.wait([reading])

    async def _read_batch(self, shard: int, after: UUID) -> Batch:
        async with self._snapshot():
            return await store.read_batch(self._connection, shard, after, self._batch)

    async def _check_batch(self, batch: Batch) -> None:
        report = self.report
        for place, history in enumerate(batch.histories):
            checks.check_home(history, len(self._shards), report)
            checks.check_entries(history.entries, batch.shard, report)
            checks.check_links(history.entries, batch.partners, report)
            checks.replay(history, self.rules, report)
            check_vouchers(history, self._codes, report)
            people.check_person(history, batch.people, batch.households, self.rules, report)
            people.check_passed_on(history, batch.partners, batch.people, report)
            report.journals += len(history.entries)
            if place % _BREATH == 0:
                await asyncio.sleep(0)
        self._check_stays(batch.stays)
        check_notes(batch.histories, batch.stays, self.rules, report)
        for journal_id in batch.stray:
            report.differs("members_of_journals", show("jrn", journal_id))
        report.counted(
            "members_of_journals", sum(len(one.entries) for one in batch.histories) + len(batch.stray)
        )
        report.members += len(batch.histories)

    def _check_stays(self, files: list[StayFile]) -> None:
        count_stays(files, self.report)
        for file in files:
            check_stay(file, self.rules, self.report)

    async def _verify_idle_stays(self, shard: int) -> None:
        after = store.FIRST
        while True:
            self._progress.at(self.report.journals, f"stays of shard {shard} without journals")
            async with self._snapshot():
                files = await store.read_idle_stays(self._connection, shard, after, _PAGE)
            self._check_stays(files)
            if not files:
                return
            after = files[-1].stay_id

    # --- people ---------------------------------------------------------------------------------------------------

    async def _verify_people(self, shard: int) -> None:
        """Check what is on file between people, all of a shard in one snapshot."""
        self._progress.at(self.report.journals, f"people of shard {shard}")
        async with self._snapshot():
            partners = (await partners_store.load(self._connection, NOTHING)).partners
            async for posted in store.stream_limited(self._connection, shard):
                approvals.check_four_eyes(posted, self.rules, partners, self.report)
            await self._verify_approvals(shard)
            await self._verify_referrals(shard)
            await self._verify_merges(shard)
            await self._verify_households(shard)

    async def _verify_approvals(self, shard: int) -> None:
        after = store.FIRST
        while page := await store.read_approvals(self._connection, shard, after, _PAGE):
            journals = _known(one.journal_id for one in page)
            posted = await store.find_posted(self._connection, journals)
            adjusted = await store.find_adjusted(self._connection, journals)
            named = await store.find_people(self._connection, [one.member_id for one in page])
            keys = _known(key for one in page for key in (one.proposer, one.decider))
            holders = await store.find_holders(self._connection, keys)
            approvals.check_approvals(page, posted, adjusted, named, holders, self.report)
            after = page[-1].approval_id

    async def _verify_referrals(self, shard: int) -> None:
        after = store.FIRST
        while page := await store.read_referrals(self._connection, shard, after, _PAGE):
            posted = await store.find_posted(self._connection, _known(one.journal_id for one in page))
            ids = [each for one in page for each in (one.member_id, one.referrer_id)]
            named = await store.find_people(self._connection, ids)
            people.check_referrals(page, posted, named, self.rules, self.report)
            after = page[-1].member_id

    async def _verify_merges(self, shard: int) -> None:
        after = store.FIRST
        while page := await store.read_merges(self._connection, shard, after, _PAGE):
            ids = [each for one in page for each in (one.member_id, one.into_id)]
            people.check_merges(page, await store.find_people(self._connection, ids), self.report)
            after = page[-1].merge_id

    async def _verify_households(self, shard: int) -> None:
        after = store.FIRST
        while page := await store.read_households(self._connection, shard, after, _PAGE):
            named = await store.find_people(self._connection, people.members_of(page))
            people.check_households(page, named, self.report)
            after = page[-1].household_id

    # --- redemptions ----------------------------------------------------------------------------------------------

    async def _verify_claims(self, shard: int) -> None:
        """Check stock, references and tokens of a shard's redemptions, in one snapshot."""
        self._progress.at(self.report.journals, f"redemptions of shard {shard}")
        async with self._snapshot():
            stock = await store.read_stock(self._connection, shard)
            had = redemptions.taken(stock.redemptions, stock.refunded)
            redemptions.check_stock(stock.used, had, shard, self.report)
            for check in ("references", "tokens", "accruals", "adjusted_statements"):
                checked, told = await store.read_wrong(self._connection, check, shard)
                self.report.counted(check, checked)
                for one in told:
                    self.report.differs(check, one)

    # --- accounts -------------------------------------------------------------------------------------------------

    def _check_accounts(self, shard: int, accounts: list[Account]) -> None:
        report = self.report
        for unit in sorted({account.unit for account in accounts}):
            total = sum(account.stored for account in accounts if account.unit == unit)
            report.counted("zero_sum")
            if total:
                report.differs("zero_sum", f"shard {shard}, {unit}: {total}")
        for account in accounts:
            if store.is_members(account):
                continue
            report.counted("program_accounts")
            if account.stored != account.folded:
                told = f"{account.stored}, its transfers {account.folded}"
                report.differs(
                    "program_accounts", f"shard {shard}, {account.account}, {account.unit}: {told}"
                )

    async def _verify_transit(self) -> None:
        """Check that what left a member has reached another: the two may live in different shards."""
        for unit, amount in await store.read_transit(self._connection):
            self.report.counted("transit")
            if amount:
                self.report.differs("transit", f"{unit}: {amount}")

    async def _verify_settlement(self) -> None:
        """Check what partners gave and are owed, each partner in one snapshot: its members live in all shards."""
        self._progress.at(self.report.journals, "settlement")
        async with self._snapshot():
            checked, told = await store.read_funds(self._connection)
            self.report.counted("funds", checked)
            for one in told:
                self.report.differs("funds", one)
            partners = await store.read_stated_partners(self._connection)
        for partner in partners:
            async with self._snapshot():
                settlement.check_settlement(
                    await store.read_settlement(self._connection, partner), self.report
                )

    # --- idempotency keys -----------------------------------------------------------------------------------------

    async def _verify_keys(self) -> None:
        after = (store.FIRST, "")
        while True:
            self._progress.at(self.report.journals, "idempotency keys")
            async with self._snapshot():
                kept = await store.read_keys(self._connection, after, _PAGE)
                await self._check_keys(kept)
            if not kept:
                return
            after = (kept[-1].principal, kept[-1].key)

    async def _check_keys(self, kept: list[Kept]) -> None:
        """Check replies: that they can be read, and that what a success names is there."""
        journals: dict[UUID, Kept] = {}
        members: dict[UUID, Kept] = {}
        for one in kept:
            try:
                reply = _reply(one.reply)
            except msgspec.MsgspecError as error:
                self._key_differs(one, f"the reply can't be read: {error}")
                continue
            if one.status == _CREATED:
                self._note(one, "jrn", reply.journal_id, journals)
                self._note(one, "mem", reply.member_id, members)
        owners = await store.find_journals(self._connection, list(journals))
        there = await store.find_members(self._connection, list(members))
        for journal_id, one in journals.items():
            if journal_id not in owners:
                self._key_differs(one, f"there is no {show('jrn', journal_id)}")
        for member_id, one in members.items():
            if member_id not in there:
                self._key_differs(one, f"there is no {show('mem', member_id)}")
        self.report.counted("keys", len(kept))

    def _note(self, one: Kept, prefix: str, text: str | None, found: dict[UUID, Kept]) -> None:
        if text is None:
            return
        value = ids.parse(prefix, text)
        if value is None:
            self._key_differs(one, f"{text!r} is no id")
        else:
            found[value] = one

    def _key_differs(self, one: Kept, what: str) -> None:
        self.report.differs("keys", f"{one.key} of {show('key', one.principal)}: {what}")


def _known(ids: Iterable[UUID | None]) -> list[UUID]:
    return [one for one in ids if one is not None]


@asynccontextmanager
async def open_verification(
    dsn: str, rules: Rulebook | None, progress: Progressing, *, batch: int = BATCH, codes: Codes | None = None
) -> AsyncGenerator[Verification]:
    """Connect to a database as the service's role; raise CannotVerifyError when its schema isn't this program's.

    Without `rules`, those that are published in the database are taken; without `codes`, vouchers' aren't checked.
    """
    pending = await outstanding(dsn)
    if pending:
        missing = ", ".join(map(str, pending))
        raise CannotVerifyError(f"The database lacks {missing}. Run `loyalty migrate` first.")
    connection = await connect(dsn, role=SERVICE_ROLE, application_name="loyalty verify")
    try:
        yield Verification(connection, rules or await _rules(connection), progress, batch=batch, codes=codes)
    finally:
        await connection.close()


async def _rules(connection: Connection) -> Rulebook:
    """Return the rules that are published; where no service has run yet, those that are shipped."""
    _, published = await program_store.read_versions(connection)
    return await versions.load(connection) if published else Rulebook(read(HOUSE))
