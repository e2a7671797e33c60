"""The SQL of verification. Each function reads in the snapshot of the transaction that its caller has opened."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from asyncpg import Connection
from msgspec import Struct, structs

from loyalty.commands.approval import Approval
from loyalty.commands.household import Household
from loyalty.commands.settle_adjust import Agreed
from loyalty.db import load_queries
from loyalty.ids import UUID, parse, shard_of
from loyalty.ledger.model import (
    AVAILABLE,
    COUNTED,
    HELD,
    MEMBER_ACCOUNTS,
    NO_TRAITS,
    PENDING,
    POINTS,
    TRANSIT,
    Allocation,
    Counters,
    Journal,
    Lot,
    Member,
    Traits,
    Transfer,
)
from loyalty.partners.redemption import Redemption, Step
from loyalty.partners.statements import Line, Statement
from loyalty.partners.statements import Step as StatementStep
from loyalty.rewards.model import GrantedReward
from loyalty.verify.model import (
    Account,
    Batch,
    Captured,
    Entry,
    Grant,
    History,
    Kept,
    KeptVoucher,
    OtherHalf,
    People,
    Person,
    Place,
    Posted,
    Promise,
    Revision,
    StayFile,
    Union,
)
from loyalty.verify.purse import is_of_stay
from loyalty.verify.settlement import PartnerFile, SettledEvent
from loyalty.verify.stays import natural_key
from loyalty.vouchers.model import Voucher

QUERIES: Final = load_queries("loyalty.verify")
FIRST: Final = UUID(bytes(16))
LAST: Final = UUID(b"\xff" * 16)
JOURNALS: Final = 10_000
"""A batch takes no further member once it has this many journals."""

_counters = msgspec.json.Decoder(Counters).decode
_properties = msgspec.json.Decoder(dict[str, int]).decode
_traits = msgspec.json.Decoder(Traits).decode
_UNREADABLE: Final[Counters] = {"unreadable": {"": 1}}


class Orphans(Struct, frozen=True):
    """How many rows of a table were looked at, how many lack what they belong to, and the first ids of these."""

    checked: int
    missing: int
    ids: list[UUID] | None


async def read_shards(connection: Connection) -> list[int]:
    """Return the shards of the installation."""
    return [row[0] for row in await connection.fetch(QUERIES["shards"])]


async def read_size(connection: Connection, shard: int) -> tuple[int, int]:
    """Return how many members a shard has, and about how many journals."""
    row: Any = await connection.fetchrow(QUERIES["size"], shard)
    return row[0], row[1]


async def read_batch(connection: Connection, shard: int, after: UUID, members: int) -> Batch:
    """Read the next members of a shard with all that is in the books of them."""
    rows = await connection.fetch(QUERIES["next_members"], shard, after, members, JOURNALS)
    upto = rows[-1]["member_id"] if rows else LAST
    span = (shard, after, upto)
    entries = await _entries(connection, span)
    histories, stray = _by_member([read_member(row) for row in rows], entries.values())
    await _add_grants_and_claims(connection, span, histories)
    await _add_vouchers(connection, span, histories)
    stays = await _stays(connection, shard, entries)
    partners = await _partners(connection, entries.values())
    traits = [history.member.traits for history in histories.values()]
    people = await find_people(connection, (one for each in traits for one in _named(each)))
    households = await _households(connection, traits)
    return Batch(shard, upto, not rows, list(histories.values()), stays, stray, partners, people, households)


def read_member(row: Any) -> Member:
    """Return a member from a row that begins with its columns."""
    member = Member(*tuple(row)[: len(Member.__struct_fields__)])
    member.counters = _read_counters(row["counters"])
    member.traits = _read_traits(row["traits"])
    return member


def _read_traits(text: str) -> Traits:
    try:
        return _traits(text)
    except msgspec.MsgspecError:
        return NO_TRAITS


def _read_counters(text: str) -> Counters:
    """Return counters as stored; ones that equal no others if they can't be read."""
    try:
        return _counters(text)
    except msgspec.MsgspecError:
        return _UNREADABLE


async def _entries(connection: Connection, span: tuple[int, UUID, UUID]) -> dict[UUID, Entry]:
    """Read the journals of a span of members in the order of their versions, with all that hangs on them."""
    entries: dict[UUID, Entry] = {}
    for *columns, at in await connection.fetch(QUERIES["journals"], *span):
        entries[columns[0]] = Entry(Journal(*columns), at, [], [])
    if entries:
        shard, ids = span[0], list(entries)
        for row in await connection.fetch(QUERIES["transfers"], shard, ids):
            entries[row[0]].transfers.append(Transfer(*row))
        for row in await connection.fetch(QUERIES["allocations"], shard, ids):
            entries[row[0]].allocations.append(Allocation(*row))
        for row in await connection.fetch(QUERIES["lots"], shard, ids):
            entries[row[0]].lot = Lot(*row)
        for journal_id, leaf in await connection.fetch(QUERIES["leaves"], shard, ids):
            entries[journal_id].leaf = leaf
    return entries


def _by_member(members: Iterable[Member], entries: Iterable[Entry]) -> tuple[dict[UUID, History], list[UUID]]:
    """Give journals to their members; return those of nobody apart."""
    histories = {
        member.member_id: History(
            member, [], [], rewards=[], redemptions=[], steps=[], taken_back={}, vouchers=[], captured=[]
        ) for member in members
    }  # fmt: skip
    stray: list[UUID] = []
    for entry in entries:
        history = histories.get(entry.journal.member_id)
        if history is None:
            stray.append(entry.journal.journal_id)
        else:
            history.entries.append(entry)
    return histories, stray


async def _add_grants_and_claims(
    connection: Connection, span: tuple[int, UUID, UUID], histories: dict[UUID, History]
) -> None:
    for member_id, *grant in await connection.fetch(QUERIES["grants"], *span):
        if member_id in histories:
            histories[member_id].grants.append(Grant(*grant))
    for row in await connection.fetch(QUERIES["rewards"], *span):
        if row["member_id"] in histories:
            histories[row["member_id"]].rewards.append(GrantedReward(*row))
    for row in await connection.fetch(QUERIES["redemptions"], *span):
        if row["member_id"] in histories:
            histories[row["member_id"]].redemptions.append(Redemption(*row))
    for member_id, journal_id, lot_id in await connection.fetch(QUERIES["taken_back"], *span):
        if member_id in histories:
            histories[member_id].taken_back[journal_id] = lot_id
    owners = {one.redemption_id: history for history in histories.values() for one in history.redemptions}
    for row in await connection.fetch(QUERIES["redemption_steps"], span[0], list(owners)) if owners else ():
        owners[row["redemption_id"]].steps.append(Step(*row))


async def _add_vouchers(
    connection: Connection, span: tuple[int, UUID, UUID], histories: dict[UUID, History]
) -> None:
    for *columns, code_hash in await connection.fetch(QUERIES["vouchers"], *span):
        voucher = Voucher(*columns)
        if voucher.member_id in histories:
            histories[voucher.member_id].vouchers.append(KeptVoucher(voucher, code_hash))
    for member_id, *captured in await connection.fetch(QUERIES["captured"], *span):
        if member_id in histories:
            histories[member_id].captured.append(Captured(*captured))


async def _partners(connection: Connection, entries: Iterable[Entry]) -> dict[UUID, OtherHalf]:
    """Read the journals that others name as their other half; they may live in another shard."""
    wanted = _by_shard(entry.journal.linked_id for entry in entries if entry.journal.linked_id is not None)
    found: dict[UUID, OtherHalf] = {}
    for shard, ids in wanted.items():
        for row in await connection.fetch(QUERIES["journals_by_id"], shard, ids):
            found[row["journal_id"]] = OtherHalf(row["member_id"], row["linked_id"], {})
        for journal_id, unit, amount in await connection.fetch(QUERIES["transit_of"], shard, ids):
            if journal_id in found:
                found[journal_id].transit[unit] = amount
    return found


async def _stays(connection: Connection, shard: int, entries: dict[UUID, Entry]) -> list[StayFile]:
    """Read the stays that journals belong to."""
    by_stay: defaultdict[UUID, list[Entry]] = defaultdict(list)
    for entry in entries.values():
        if entry.journal.stay_id is not None and is_of_stay(entry.journal):
            by_stay[entry.journal.stay_id].append(entry)
    return await _stay_files(connection, shard, by_stay)


async def _stay_files(connection: Connection, shard: int, by_stay: dict[UUID, list[Entry]]) -> list[StayFile]:
    files = {stay_id: StayFile(stay_id, [], entries) for stay_id, entries in by_stay.items()}
    if files:
        for row in await connection.fetch(QUERIES["revisions"], shard, list(files)):
            files[row["stay_id"]].revisions.append(Revision(*row))
    keyed = [(file, key) for file in files.values() if (key := natural_key(file)) is not None]
    keys = [(key.source, key.property, key.stay_ref, key.leg, None) for _, key in keyed]
    for place, *found in await connection.fetch(QUERIES["places"], keys) if keys else ():
        keyed[place - 1][0].place = Place(*found)
    return list(files.values())


async def read_idle_stays(connection: Connection, shard: int, after: UUID, limit: int) -> list[StayFile]:
    """Read stays that no journal belongs to, in the order of their ids."""
    rows = await connection.fetch(QUERIES["idle_stays"], shard, after, limit)
    return await _stay_files(connection, shard, {row[0]: [] for row in rows})


async def read_accounts(connection: Connection, shard: int) -> list[Account]:
    """Return all accounts of a shard, the members' as one of each kind."""
    folded: defaultdict[tuple[str, str], int] = defaultdict(int)
    for debit, credit, unit, amount in await connection.fetch(QUERIES["folded_accounts"], shard):
        folded[debit, unit] -= amount
        folded[credit, unit] += amount
    stored = {(row[0], row[1]): row[2] for row in await connection.fetch(QUERIES["stored_accounts"], shard)}
    row: Any = await connection.fetchrow(QUERIES["stored_points"], shard)
    stored |= {(account, POINTS): row[account] for account in (AVAILABLE, PENDING, HELD)}
    for unit, amount in await connection.fetch(QUERIES["stored_counters"], shard):
        stored[COUNTED, unit] = amount
    return [
        Account(account, unit, stored.get((account, unit), 0), folded.get((account, unit), 0))
        for account, unit in sorted(stored.keys() | folded.keys())
    ]


class Stock(Struct, frozen=True):
    """What a shard has used of budgets of stock, the redemptions that took it, and what was refunded after its use."""

    used: dict[str, int]
    redemptions: list[Redemption]
    refunded: dict[UUID, int]


async def read_stock(connection: Connection, shard: int) -> Stock:
    """Return what a shard has used of budgets of stock, and of what that must be the sum."""
    used = await connection.fetch(QUERIES["stock"], shard)
    live = await connection.fetch(QUERIES["stocked_redemptions"], shard)
    refunded = await connection.fetch(QUERIES["refunded_after_use"], shard)
    return Stock(
        {row[0]: row[1] for row in used},
        [Redemption(*row) for row in live],
        {row[0]: row[1] for row in refunded},
    )


async def read_wrong(connection: Connection, check: str, shard: int) -> tuple[int, list[str]]:
    """Return how many rows a check by SQL alone has looked at, and what is wrong with each that differs."""
    rows = await connection.fetch(QUERIES[check], shard)
    return rows[0]["checked"] if rows else 0, [row["told"] for row in rows if row["told"]]


async def read_funds(connection: Connection) -> tuple[int, list[str]]:
    """Return how many funds and caps of partners were looked at, and what is wrong with each that differs."""
    rows = await connection.fetch(QUERIES["funds"])
    return rows[0]["checked"] if rows else 0, [row["told"] for row in rows if row["told"]]


async def read_stated_partners(connection: Connection) -> list[str]:
    """Return all who have a statement, or an account of points taken or given."""
    return [row[0] for row in await connection.fetch(QUERIES["stated_partners"])]


async def read_settlement(connection: Connection, partner: str) -> PartnerFile:
    """Return all that is on file of a partner's settlement."""
    steps: defaultdict[int, list[StatementStep]] = defaultdict(list)
    for number, *step in await connection.fetch(QUERIES["statement_steps"], partner):
        steps[number].append(StatementStep(*step))
    lines: defaultdict[int, list[Line]] = defaultdict(list)
    for row in await connection.fetch(QUERIES["statement_lines"], partner):
        columns = tuple(row)
        lines[row["number"]].append(Line(*columns[1:-1], properties=_hotels(row["properties"])))
    found = [Statement(*row) for row in await connection.fetch(QUERIES["statements"], partner)]
    return PartnerFile(
        partner, [structs.replace(one, steps=steps[one.number]) for one in found], lines,
        [SettledEvent(*row) for row in await connection.fetch(QUERIES["settled_events"], partner)],
        await connection.fetchval(QUERIES["partner_accounts"], partner),
        await connection.fetchval(QUERIES["turns"], partner) or 0,
    )  # fmt: skip


def _hotels(text: str) -> dict[str, int]:
    try:
        return _properties(text)
    except msgspec.MsgspecError:
        return {"unreadable": 1}


async def read_transit(connection: Connection) -> list[tuple[str, int]]:
    """Return what is in transit between members, by unit, over all shards."""
    return [(row[0], row[1]) for row in await connection.fetch(QUERIES["transit"], TRANSIT)]


def is_members(account: Account) -> bool:
    """Tell a member's account from the program's."""
    return account.account in MEMBER_ACCOUNTS


# --- people ---------------------------------------------------------------------------------------------------------


def _named(traits: Traits) -> Iterator[UUID]:
    """Yield the members that a member's traits name."""
    for name in (*traits.merged, *((traits.merged_into,) if traits.merged_into else ())):
        member_id = parse("mem", name)
        if member_id is not None:
            yield member_id


async def find_people(connection: Connection, ids: Iterable[UUID]) -> People:
    """Return those of the members who exist, and whoever they were merged into."""
    people: People = {}
    wanted = set(ids)
    while wanted:
        found = {
            row[0]: Person(row[1], _read_traits(row[2]))
            for shard, some in _by_shard(wanted).items()
            for row in await connection.fetch(QUERIES["people"], shard, some)
        }
        people |= found
        heirs = {parse("mem", one.traits.merged_into) for one in found.values() if one.traits.merged_into}
        wanted = {one for one in heirs if one is not None} - people.keys()
        if not found:
            break
    return people


async def _households(connection: Connection, traits: Iterable[Traits]) -> dict[UUID, Household]:
    ids = {parse("hsh", one.household) for one in traits if one.household}
    return {
        row["household_id"]: Household(*row)
        for shard, some in _by_shard(one for one in ids if one is not None).items()
        for row in await connection.fetch(QUERIES["households_by_id"], shard, some)
    }


async def read_households(connection: Connection, shard: int, after: UUID, limit: int) -> list[Household]:
    """Read households in the order of their ids."""
    return [Household(*row) for row in await connection.fetch(QUERIES["households"], shard, after, limit)]


async def read_approvals(connection: Connection, shard: int, after: UUID, limit: int) -> list[Approval]:
    """Read proposals in the order of their ids."""
    return [Approval(*row) for row in await connection.fetch(QUERIES["approvals"], shard, after, limit)]


async def find_holders(connection: Connection, keys: Iterable[UUID]) -> dict[UUID, UUID]:
    """Return the members who hold API keys, where that is known."""
    return {row[0]: row[1] for row in await connection.fetch(QUERIES["holders"], list(keys))}


async def read_referrals(connection: Connection, shard: int, after: UUID, limit: int) -> list[Promise]:
    """Read referrals in the order of the newcomers' ids."""
    return [Promise(*row) for row in await connection.fetch(QUERIES["referrals"], shard, after, limit)]


async def read_merges(connection: Connection, shard: int, after: UUID, limit: int) -> list[Union]:
    """Read merges in the order of their ids."""
    return [Union(*row) for row in await connection.fetch(QUERIES["merges"], shard, after, limit)]


async def find_posted(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Posted]:
    """Return those of the journals that exist, with the points that they gave."""
    return {
        row["journal_id"]: Posted(*row)
        for shard, some in _by_shard(ids).items()
        for row in await connection.fetch(QUERIES["posted"], shard, some)
    }


async def find_adjusted(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, Agreed]:
    """Return the adjustments of settlement that were made by those of the journals."""
    return {
        journal_id: Agreed(*agreed)
        for shard, some in _by_shard(ids).items()
        for journal_id, *agreed in await connection.fetch(QUERIES["agreed"], shard, some)
    }


async def stream_limited(connection: Connection, shard: int) -> AsyncGenerator[Posted]:
    """Yield all of a shard that takes a second person above a limit, a thousand rows in memory at a time."""
    async for row in connection.cursor(QUERIES["limited"], shard, prefetch=1000):
        yield Posted(*row)


# --- what hangs in the air --------------------------------------------------------------------------------------------


async def read_orphans(connection: Connection, check: str, shard: int) -> Orphans:
    """Return the rows that lack what they belong to; `check` is the query."""
    row: Any = await connection.fetchrow(QUERIES[check], shard)
    return Orphans(*row)


async def read_keys(connection: Connection, after: tuple[UUID, str], limit: int) -> list[Kept]:
    """Return idempotency keys in their order."""
    return [Kept(*row) for row in await connection.fetch(QUERIES["keys"], *after, limit)]


async def find_journals(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return whose the journals are, of those that exist."""
    return {
        row["journal_id"]: row["member_id"]
        for shard, some in _by_shard(ids).items()
        for row in await connection.fetch(QUERIES["journals_by_id"], shard, some)
    }


async def find_members(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of the members exist."""
    return {
        row["member_id"]
        for shard, some in _by_shard(ids).items()
        for row in await connection.fetch(QUERIES["members_by_id"], shard, some)
    }


def _by_shard(ids: Iterable[UUID]) -> dict[int, list[UUID]]:
    grouped: defaultdict[int, list[UUID]] = defaultdict(list)
    for one in ids:
        grouped[_smallint(shard_of(one))].append(one)
    return grouped


def _smallint(shard: int) -> int:
    """Return a shard that a column can hold: an id that was tampered with may name any."""
    return shard if shard < 1 << 15 else -1


async def stream_books(connection: Connection) -> AsyncGenerator[Any]:
    """Yield every member in the order of numbers, a thousand rows in memory at a time."""
    async for row in connection.cursor(QUERIES["books"], prefetch=1000):
        yield row
