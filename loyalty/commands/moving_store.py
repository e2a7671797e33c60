"""SQL of what touches two members, or waits for a second person: approvals, referrals, merges, households."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import msgspec
from asyncpg import Pool, Record
from msgspec.structs import astuple

from loyalty.commands.approval import Approval
from loyalty.commands.household import Household
from loyalty.commands.merge import Belonging, MergeOnFile, MovedStay
from loyalty.commands.model import Facts
from loyalty.commands.store import QUERIES, lot_of_row
from loyalty.db import Connection
from loyalty.ids import UUID, shard_of
from loyalty.ledger.model import Lot, Member
from loyalty.stays.model import Award, StayOnFile

_award = msgspec.json.Decoder(Award).decode
_encode = msgspec.json.Encoder().encode

# --- Compensation and approvals ---------------------------------------------------------------------------------------


async def stay_of(connection: Connection, stay_id: UUID) -> UUID | None:
    """Return whose a stay is; None when there is no such stay, or when it has moved on."""
    row = await connection.fetchrow(QUERIES["stay_of"], _smallint(shard_of(stay_id)), stay_id)
    return None if row is None or row["outcome"] == "moved" else row["member_id"]


async def lock_agent_day(connection: Connection, principal: UUID, day: date) -> int:
    """Return what an API key gave and proposed on a day, and let nobody else add to it until the transaction ends."""
    return await connection.fetchval(QUERIES["lock_agent_day"], principal, day)


async def add_to_agent_day(connection: Connection, principal: UUID, day: date, points: int) -> None:
    """Add to what an API key gave and proposed on a day."""
    await connection.execute(QUERIES["add_to_agent_day"], principal, day, points)


async def write_approval(connection: Connection, approval: Approval) -> None:
    """Write a proposal, or what became of it."""
    await connection.execute(QUERIES["write_approval"], *astuple(approval))


async def read_approval(connection: Connection | Pool, approval_id: UUID) -> Approval | None:
    """Return a proposal; None when there is none."""
    shard = _smallint(shard_of(approval_id))
    row = await connection.fetchrow(QUERIES["read_approval"], shard, approval_id)
    return None if row is None else Approval(*row)


async def find_holder(pool: Pool, key_id: UUID) -> UUID | None:
    """Return the member who holds a key; None: nobody does."""
    return await pool.fetchval(QUERIES["find_holder"], key_id)


async def lock_approval(connection: Connection, approval_id: UUID) -> None:
    """Lock a proposal until the transaction ends; what it is is read afterwards."""
    await connection.execute(QUERIES["lock_approval"], _smallint(shard_of(approval_id)), approval_id)


async def list_approvals(pool: Pool, status: str, after: UUID, limit: int) -> list[Approval]:
    """Return proposals of a status, oldest first."""
    return [Approval(*row) for row in await pool.fetch(QUERIES["list_approvals"], status, after, limit)]


def _smallint(shard: int) -> int:
    """Return a shard that a column can hold: an id that a caller made up may name any."""
    return shard if shard < 1 << 15 else -1


# --- Referrals --------------------------------------------------------------------------------------------------------


async def find_waiting_referrals(pool: Pool, shard: int, after: UUID, limit: int) -> list[tuple[UUID, UUID]]:
    """Return newcomers whose referral waits and who have changed since, each with who brought them."""
    rows = await pool.fetch(QUERIES["find_waiting_referrals"], shard, after, limit)
    return [(row[0], row[1]) for row in rows]


async def referral_status(connection: Connection, newcomer: UUID) -> str | None:
    """Return what a newcomer's referral has come to; None when nobody brought this member."""
    return await connection.fetchval(QUERIES["referral_status"], shard_of(newcomer), newcomer)


async def settle_referral(
    connection: Connection, newcomer: Member, status: str, journal_id: UUID | None, at: datetime
) -> None:
    """Write what a referral that waits has come to, and up to which version of the newcomer it was looked at."""
    decided_at = None if status == "waiting" else at
    await connection.execute(
        QUERIES["settle_referral"], newcomer.shard, newcomer.member_id, status, newcomer.version, journal_id,
        decided_at,
    )  # fmt: skip


async def awards_of(connection: Connection, member_id: UUID) -> list[Award]:
    """Return what a member's stays stand for now."""
    rows = await connection.fetch(QUERIES["awards_of"], shard_of(member_id), member_id)
    return [_award(row[0]) for row in rows]


# --- Merges -----------------------------------------------------------------------------------------------------------

_ALWAYS = (0, (1 << 62))
"""All versions of a member."""


async def belongings(
    connection: Connection, facts: Facts, versions: tuple[int, int] = _ALWAYS, *, whole: bool = False
) -> list[Belonging]:
    """Return a member's stays that versions belong to, and add their lots to the facts.

    What moves of a stay's lots is what they hold and what of them has expired; with `whole`, all they began with. It is
    no more than the stay is worth: what was held when it lost its worth, and came back later, is like any other points.
    """
    member = facts.member
    if member is None:
        return []
    rows = await connection.fetch(QUERIES["stays_of"], member.shard, member.member_id, *versions)
    known = {lot.lot_id: lot for lot in facts.lots}
    own: defaultdict[UUID, list[Lot]] = defaultdict(list)
    ids = [row["stay_id"] for row in rows]
    for row in await connection.fetch(QUERIES["find_own_lots"], member.shard, ids):
        own[row["stay_id"]].append(known.setdefault(row["lot_id"], lot_of_row(row)))
    facts.lots = list(known.values())
    return [_belonging(member, row, own[row["stay_id"]], whole=whole) for row in rows]


def _belonging(member: Member, row: Record, own: Sequence[Lot], *, whole: bool) -> Belonging:
    award = _award(row["award"])
    there = sum(lot.amount if whole else lot.remaining + lot.expired for lot in own)
    stay = StayOnFile(
        member.shard, member.member_id, row["stay_id"], row["revision"], row["snapshot"].encode(), award,
        row["reply"].encode(),
    )  # fmt: skip
    return Belonging(stay, frozenset(lot.lot_id for lot in own), min(there, award.points))


async def merged_lots(connection: Connection, facts: Facts, versions: tuple[int, int]) -> list[Lot]:
    """Return the lots that a merge brought without a stay, and add them to the facts."""
    member = facts.member
    if member is None:
        return []
    known = {lot.lot_id: lot for lot in facts.lots}
    rows = await connection.fetch(QUERIES["merged_lots"], member.shard, member.member_id, *versions)
    found = [known.setdefault(row["lot_id"], lot_of_row(row)) for row in rows]
    facts.lots = list(known.values())
    return found


async def kinds_since(connection: Connection, member: Member, version: int) -> frozenset[str]:
    """Return what kinds of journals a member has after a version."""
    rows = await connection.fetch(QUERIES["kinds_since"], member.shard, member.member_id, version)
    return frozenset(row[0] for row in rows)


async def move_stays(connection: Connection, stays: Sequence[MovedStay], number: str, at: datetime) -> None:
    """Lead the keys of stays to their new member, whose number that is, and take their histories along."""
    for one in stays:
        begins, ends, posting = one.begins, one.ends, one.posting
        shard = shard_of(begins.stay_id)
        await connection.execute(
            QUERIES["move_directory"], shard, begins.member_id, begins.stay_id, posting.source, posting.property,
            posting.stay_ref, posting.leg,
        )  # fmt: skip
        await connection.execute(
            QUERIES["copy_history"], shard, begins.stay_id, shard_of(ends.stay_id), ends.stay_id, begins.revision,
            number,
        )  # fmt: skip
        for said in (ends, begins):
            await connection.execute(
                QUERIES["add_revision"], shard_of(said.stay_id), said.stay_id, said.revision, said.member_id,
                said.outcome, said.snapshot.decode(), said.award.decode(), said.reply.decode(), said.journal_id, at,
            )  # fmt: skip


async def write_merge(connection: Connection, merge: MergeOnFile, status: str) -> None:
    """Write a merge or its undoing, and close or open the account that it is about."""
    await connection.execute(QUERIES["write_merge"], *astuple(merge))
    await connection.execute(QUERIES["set_status"], shard_of(merge.member_id), [merge.member_id], status)


async def move_budgets(connection: Connection, giver: int, taker: int, budgets: Mapping[str, int]) -> None:
    """Move what stays have had of promotions' budgets to another shard, allotted and used."""
    if giver != taker:
        for promotion, points in sorted(budgets.items()):
            await connection.execute(QUERIES["give_up_budget"], giver, promotion, points)
            await connection.execute(QUERIES["take_over_budget"], taker, promotion, points)


async def read_merge(connection: Connection | Pool, merge_id: UUID) -> MergeOnFile | None:
    """Return a merge; None when there is none."""
    row = await connection.fetchrow(QUERIES["read_merge"], _smallint(shard_of(merge_id)), merge_id)
    return None if row is None else MergeOnFile(*row)


# --- Households -------------------------------------------------------------------------------------------------------


async def read_household(connection: Connection | Pool, household_id: UUID) -> Household | None:
    """Return a household; None when there is none."""
    shard = _smallint(shard_of(household_id))
    row = await connection.fetchrow(QUERIES["read_household"], shard, household_id)
    return None if row is None else Household(*row)


async def lock_household(connection: Connection, household_id: UUID) -> Household | None:
    """Lock a household until the transaction ends, and return it as it then is."""
    await connection.execute(QUERIES["lock_household"], _smallint(shard_of(household_id)), household_id)
    return await read_household(connection, household_id)


async def write_household(connection: Connection, household: Household) -> None:
    """Write a household as it now is."""
    await connection.execute(QUERIES["write_household"], *astuple(household))
