"""The SQL of a batch: what commands need to know, and what they decide, written in one statement."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final

import msgspec
from asyncpg import Pool, Record
from msgspec import structs
from msgspec.structs import astuple

from loyalty.commands import vouching
from loyalty.commands.model import Decision, DirectoryEntry, Facts, Key, Prior, Short, Target
from loyalty.db import Connection, load_queries, with_sections
from loyalty.ids import UUID, shard_of
from loyalty.ledger import counters as counting
from loyalty.ledger import traits as known_traits
from loyalty.ledger.leaf import leaf
from loyalty.ledger.model import (
    MEMBER_ACCOUNTS,
    Counters,
    Journal,
    Lot,
    Member,
    Transfer,
)
from loyalty.ledger.rules import Book, is_due
from loyalty.rewards.model import GrantedReward
from loyalty.stays.model import Award, StayOnFile, StayPosting, StayRevision
from loyalty.vouchers.codes import Codes
from loyalty.vouchers.model import Voucher

QUERIES = load_queries("loyalty.commands")

_counters = msgspec.json.Decoder(Counters).decode
_award = msgspec.json.Decoder(Award).decode
_encode = msgspec.json.Encoder().encode

_PAGE: Final = 1000

_NO_STAY = (None, None, None, None, None)
_NOTHING = (None, None, None, None)
"""For the first four columns of a lot, or of a natural key."""
_NEVER = (None, None)
"""For the last two columns of a lot."""
_NO_STATE = (None,) * 9
_NO_REVISION = (None,) * 9

Named = tuple[Target, StayPosting | None, Key | None]
"""Whom a command is about, the stay that it posts, if it does, and its idempotency key, if it has one."""


Section = tuple[str, list[list[tuple[object, ...]]]]
"""A section of `write_books`, and the lists of rows that it takes."""


async def lock_members(
    connection: Connection, shard: int, ids: Sequence[UUID], numbers: Sequence[str]
) -> None:
    """Lock members named by id or number, in the order of their ids, until the transaction ends."""
    await connection.execute(QUERIES["lock_members"], shard, ids, numbers)


async def read_facts(connection: Connection, shard: int, named: Sequence[Named]) -> tuple[int, list[Facts]]:
    """Return for each command the member, what is on file for the stay that it posts, and the outcome of its key.

    Before that, the generation of the program's versions.
    """
    targets, postings, keys = zip(*named, strict=True)
    sections = [name for name, asked in (("stays", postings), ("keys", keys)) if any(asked)]
    rows = await connection.fetch(
        with_sections(QUERIES["read_facts"], *sections),
        shard,
        [None if isinstance(target, str) else target for target in targets],
        [target if isinstance(target, str) else None for target in targets],
        [_stay_key(posting) for posting in postings],
        *([[key and key.principal for key in keys], [key and key.key for key in keys]] if any(keys) else ()),
    )
    return rows[0][0], [_facts(shard, row, sections) for row in rows]


def _stay_key(posting: StayPosting | None) -> tuple[object, ...]:
    if posting is None:
        return _NO_STAY
    return (posting.source, posting.property, posting.stay_ref, posting.leg, posting.revision)


def _facts(shard: int, row: Record, sections: Sequence[str]) -> Facts:
    _, member_id, number, status, enrolled_on, version, available, held, debt, counters, due, *rest = row
    traits, tier, review_on, pending, active_on, *more = rest
    on_file = _on_file(more[:9]) if "stays" in sections else None
    prior = _prior(*more[-3:]) if "keys" in sections else None
    if member_id is None:
        return Facts(None, on_file, prior)
    member = Member(
        shard,
        member_id,
        number,
        status,
        enrolled_on,
        version,
        available,
        held,
        debt,
        _counters(counters),
        due,
        known_traits.read(traits),
        tier,
        review_on,
        pending,
        active_on,
    )
    return Facts(member, on_file, prior)


def _prior(fingerprint: bytes | None, status: int, reply: str) -> Prior | None:
    return None if fingerprint is None else Prior(fingerprint, status, reply.encode())


def _on_file(columns: Sequence[Any]) -> StayOnFile | None:
    shard, member_id, stay_id, revision, snapshot, award, reply, same_snapshot, same_reply = columns
    if stay_id is None:
        return None
    same = None if same_snapshot is None else (same_snapshot.encode(), same_reply.encode())
    return StayOnFile(
        shard, member_id, stay_id, revision, snapshot.encode(), _award(award), reply.encode(), same
    )


async def count_by_day(
    connection: Connection, shard: int, members: Sequence[Member], by_day: tuple[str, ...]
) -> None:
    """Count again what was counted of members, some units by day; one may be there more than once.

    Notes are in no transfer: they are kept.
    """
    counted: defaultdict[UUID, list[Member]] = defaultdict(list)
    for member in members:
        member.traits = structs.replace(member.traits, by_day=by_day)
        if member.counters:
            member.counters = counting.notes(member.counters)
            counted[member.member_id].append(member)
    if not counted:
        return
    for member_id, unit, day, amount in await connection.fetch(QUERIES["count_by_day"], shard, list(counted)):
        for member in counted[member_id] if amount else ():
            counting.count(member.counters, unit, day, amount, by_day)


async def find_strays(connection: Connection, postings: Sequence[StayPosting]) -> list[int]:
    """Return which postings, by place, name a stay that is on file with another member than they say."""
    keys = [_stay_key(posting) for posting in postings]
    rows = await connection.fetch(QUERIES["find_strays"], keys, [posting.member for posting in postings])
    return [row[0] - 1 for row in rows]


async def find_keys(connection: Connection, keys: Sequence[Key]) -> dict[tuple[UUID, str], Prior]:
    """Return the outcomes that keys already have."""
    rows = await connection.fetch(
        QUERIES["find_keys"], [key.principal for key in keys], [key.key for key in keys]
    )
    return {
        (row["principal"], row["key"]): Prior(row["fingerprint"], row["status"], row["reply"].encode())
        for row in rows
    }


async def add_lots(
    connection: Connection, shard: int, wanted: Sequence[tuple[Facts, int]], today: date
) -> None:
    """Give facts the lots they need: each with the points it may draw; those due, and a known stay's own, besides."""
    by_member = {facts.member.member_id: facts for facts, _ in wanted if facts.member}
    ids = list(by_member)
    lots: dict[UUID, dict[UUID, Lot]] = {member_id: {} for member_id in ids}
    for row in await connection.fetch(QUERIES["find_lots"], shard, ids, [need for _, need in wanted], today):
        lots[row["member_id"]][row["lot_id"]] = lot_of_row(row)
    # A posting may name another member's stay: its lots are then no business of that member's own posting.
    stays = [
        facts.stay.stay_id for facts, _ in wanted
        if facts.stay and facts.member and facts.stay.member_id == facts.member.member_id
    ]  # fmt: skip
    own: defaultdict[UUID, set[UUID]] = defaultdict(set)
    if stays:
        for row in await connection.fetch(QUERIES["find_own_lots"], shard, stays):
            lots[row["member_id"]].setdefault(row["lot_id"], lot_of_row(row))
            own[row["member_id"]].add(row["lot_id"])
    # Only a book that settles what is due has to know what comes next.
    due = [facts.member.member_id for facts, _ in wanted if facts.member and is_due(facts.member, today)]
    if due:
        for row in await connection.fetch(QUERIES["find_following"], shard, due, today):
            by_member[row["member_id"]].following = row["following"]
    for member_id, facts in by_member.items():
        facts.lots = list(lots[member_id].values())
        facts.own = frozenset(own[member_id])


def lot_of_row(row: Record) -> Lot:
    """Return a lot from a row that has its columns."""
    return Lot(
        row["lot_id"], row["member_id"], row["amount"], row["remaining"], row["expired"], row["earned_on"],
        row["expires_on"], row["opens_on"], row["pending"], row["lapsed_on"],
    )  # fmt: skip


async def write(
    connection: Connection,
    shard: int,
    decisions: Sequence[Decision],
    at: datetime,
    codes: Codes,
    generation: int | None = None,
) -> None:
    """Write all that decisions of one shard have decided, recorded at one instant: all of it or nothing.

    `codes` makes those of vouchers. With a `generation` of the program's versions, nothing if there are others by now.
    """
    rows = _rows(shard, decisions)
    sections = {name: parts for name, parts in _sections(shard, decisions, at, codes) if any(parts)}
    more = [rows_of for parts in sections.values() for rows_of in parts]
    await connection.execute(
        with_sections(QUERIES["write_books"], *sections), shard, at, *rows, generation, *more
    )


def _sections(shard: int, decisions: Sequence[Decision], at: datetime, codes: Codes) -> Iterable[Section]:
    """Return what `write_books` writes in sections of its own, in their order: most batches have nothing for them."""
    yield from _sections_of_books(shard, decisions, at)
    yield from _sections_of_redeeming(shard, decisions, at, codes)


def _sections_of_books(shard: int, decisions: Sequence[Decision], at: datetime) -> Iterable[Section]:
    books = [decision.book for decision in decisions if decision.book is not None]
    yield (
        "draws",
        [
            [(shard, *astuple(lot)) for book in books for lot in book.changed_lots()],
            [(shard, *astuple(one)) for book in books for one in book.allocations],
        ],
    )
    yield (
        "keys",
        [
            [
                (key.principal, key.key, key.fingerprint, decision.answer.status, decision.answer.body.decode(), at)
                for decision in decisions if (key := decision.key) is not None
            ]
        ],
    )  # fmt: skip
    yield (
        "crossings",
        [
            [
                (shard, g.member_id, g.milestone, g.ordinal, g.status, g.journal_id, at, g.period)
                for decision in decisions for g in decision.grants
            ],
            [
                (shard, e.event_id, e.type, e.member_id, e.journal_id, e.payload.decode(), at)
                for decision in decisions for e in decision.events if e.event_id != e.journal_id
            ],
        ],
    )  # fmt: skip
    yield "budgets", [[(shard, code, 0, used) for code, used in _budgets(decisions).items()]]
    enrolled = [(d, d.book.member) for d in decisions if d.enrolled and d.book]
    yield (
        "enrolments",
        [
            [(shard, m.member_id, *astuple(d.profile)) for d, m in enrolled if d.profile],
            [_member_row(m) for _, m in enrolled],
            [(shard, m.member_id, d.referrer, "waiting", 0, None, None) for d, m in enrolled if d.referrer],
        ],
    )
    yield "rewards", [[(shard, *astuple(reward), at) for d in decisions for reward in d.rewards]]


def _sections_of_redeeming(
    shard: int, decisions: Sequence[Decision], at: datetime, codes: Codes
) -> Iterable[Section]:
    yield (
        "redemptions",
        [
            [(shard, *astuple(one)) for d in decisions for one in d.redemptions],
            [(shard, *astuple(one)) for d in decisions for one in d.steps],
        ],
    )
    yield (
        "references",
        [
            [
                (one.partner, one.reference, shard, one.redemption_id)
                for d in decisions for one in d.redemptions if one.reference and d.steps[0].step == 1
            ]
        ],
    )  # fmt: skip
    yield "tokens", [[(shard, *astuple(one)) for d in decisions for one in d.tokens]]
    yield (
        "vouchers",
        [[_voucher_row(shard, one, at, codes) for d in decisions for one in vouching.written(d)]],
    )
    yield "accruals", [[astuple(one) for d in decisions for one in d.accruals]]


def _member_row(m: Member) -> tuple[object, ...]:
    return (
        m.shard, m.member_id, m.number, m.status, m.enrolled_on, m.version, m.available, m.held, m.debt,
        _encode(m.counters).decode(), m.next_expiry, known_traits.show(m.traits), m.tier, m.review_on, m.pending,
        m.active_on,
    )  # fmt: skip


def _voucher_row(shard: int, one: Voucher, at: datetime, codes: Codes) -> tuple[object, ...]:
    *columns, giver_id = astuple(one)
    return (shard, *columns, codes.hash(one.voucher_id, one.handed_over), at, giver_id)


def _rows(shard: int, decisions: Sequence[Decision]) -> Iterable[list[tuple[object, ...]]]:
    """Return the rows that `write_books` takes, list by list, each in the order of its type's columns; but sections."""
    books = [decision.book for decision in decisions if decision.book is not None]
    transfers = [entry for book in books for entry in book.transfers]
    yield [item for decision in decisions for item in _items(shard, decision)]
    yield list(map(astuple, transfers))
    yield [(shard, account, unit, amount) for (account, unit), amount in _deltas(transfers).items()]


def _items(shard: int, decision: Decision) -> Iterable[tuple[object, ...]]:
    """Return a decision's journals, each with all that is written beside it; what has no journal goes without one."""
    book, revision = decision.book, decision.revision
    journals = book.journals if book else []
    if book and journals:
        last = journals[-1]
        for j in journals:
            said = revision if revision and revision.journal_id == j.journal_id else None
            state = _state(book.member) if j is last and not decision.enrolled else _NO_STATE
            lot = _lot_of(j, book)
            yield (
                j.member_id, j.journal_id, j.version, j.kind, j.effective_on, j.reason, j.actor, j.stay_id, j.linked_id,
                j.balance, leaf(shard, j, _own(j, book)), *(_NOTHING if lot is None else _began(lot)),
                *_event_of(j, decision), *_said(said, decision.entry), *state,
                *(_NEVER if lot is None else (lot.opens_on, lot.pending)),
            )  # fmt: skip
    # A new stay that moves nothing has no journal by which an outdated member would show: it leaves the row alone.
    member = book.member if book and not journals and decision.entry is None else None
    if member or (revision and revision.journal_id is None):
        member_id = revision.member_id if revision else member and member.member_id
        yield (
            member_id, None, member and member.version, None, None, None, None, revision and revision.stay_id, None,
            member and member.available, None, *_NOTHING, None, None, *_said(revision, decision.entry),
            *(_state(member) if member else _NO_STATE), *_NEVER,
        )  # fmt: skip


def _own(journal: Journal, book: Book) -> list[Transfer]:
    if len(book.journals) == 1:
        return book.transfers
    return [one for one in book.transfers if one.journal_id == journal.journal_id]


def _lot_of(journal: Journal, book: Book) -> Lot | None:
    return next((lot for lot in book.new_lots if lot.lot_id == journal.journal_id), None)


def _began(lot: Lot) -> tuple[object, ...]:
    return (lot.amount, lot.remaining, lot.expired, lot.expires_on)


def _event_of(journal: Journal, decision: Decision) -> tuple[object, ...]:
    for event in decision.events:
        if event.event_id == journal.journal_id:
            return (event.type, event.payload.decode())
    return (None, None)


def _said(revision: StayRevision | None, entry: DirectoryEntry | None) -> tuple[object, ...]:
    """Return the columns of a revision, and of a new stay those of the natural key that leads to it."""
    if revision is None:
        return _NO_REVISION
    said = (
        revision.revision, revision.outcome, revision.snapshot.decode(), revision.award.decode(),
        revision.reply.decode(),
    )  # fmt: skip
    if entry is None or entry.left is not None:
        return (*said, *_NOTHING)
    key = entry.posting
    return (*said, key.source, key.property, key.stay_ref, key.leg)


def _state(member: Member) -> tuple[object, ...]:
    return (
        member.held, member.debt, _encode(member.counters).decode(), member.next_expiry, member.tier,
        member.review_on, known_traits.show(member.traits), member.pending, member.active_on,
    )  # fmt: skip


def _budgets(decisions: Sequence[Decision]) -> dict[str, int]:
    """Sum what a batch takes of promotions' budgets; below zero what it gives back."""
    sums: defaultdict[str, int] = defaultdict(int)
    for decision in decisions:
        for code, points in decision.budgets.items():
            sums[code] += points
    return {code: points for code, points in sums.items() if points}


def _deltas(transfers: list[Transfer]) -> dict[tuple[str, str], int]:
    """Sum what a batch moved on each of the program's accounts: credits up, debits down."""
    sums: defaultdict[tuple[str, str], int] = defaultdict(int)
    for entry in transfers:
        if entry.debit not in MEMBER_ACCOUNTS:
            sums[entry.debit, entry.unit] -= entry.amount
        if entry.credit not in MEMBER_ACCOUNTS:
            sums[entry.credit, entry.unit] += entry.amount
    return sums


async def add_missing_vouchers(pool: Pool, shard: int, codes: Codes, at: datetime) -> None:
    """Write the vouchers of rewards that have none, page by page."""
    after = UUID(bytes(16))
    while rows := await pool.fetch(QUERIES["rewards_without_vouchers"], shard, after, _PAGE):
        rewards = [GrantedReward(*row) for row in rows]
        made = [_voucher_row(shard, one, at, codes) for row in rewards if (one := vouching.of_reward(row))]
        await pool.execute(QUERIES["add_vouchers"], made)
        after = rewards[-1].reward_id


async def move_entry(connection: Connection, shard: int, entry: DirectoryEntry) -> None:
    """Lead the directory to the member that a stay moves to, and take its history along."""
    posting, left = entry.posting, entry.left
    assert left is not None, "a stay that moves has left"
    await connection.execute(
        QUERIES["move_directory"], shard, entry.member_id, entry.stay_id, posting.source, posting.property,
        posting.stay_ref, posting.leg,
    )  # fmt: skip
    await connection.execute(
        QUERIES["copy_revisions"], shard, entry.stay_id, shard_of(left), left, posting.revision
    )


async def read_budgets(connection: Connection, shard: int, names: Collection[str]) -> dict[str, int]:
    """Return what is left to a shard of promotions' budgets, or of stock, by their names."""
    rows = await connection.fetch(QUERIES["read_budgets"], shard, list(names))
    return {row["promotion"]: row["left"] for row in rows}


async def lock_budgets(connection: Connection, shard: int, names: Collection[str]) -> None:
    """Lock a shard's part of some budgets until the transaction ends."""
    await connection.execute(QUERIES["lock_budgets"], shard, list(names))


async def lease_budget(connection: Connection, shard: int, short: Short) -> int | None:
    """Take more of a budget for a shard, from its pool or from other shards; return how much there was.

    None: there is no such budget.
    """
    taken: int | None = await connection.fetchval(
        QUERIES["lease_budget"], shard, short.promotion, short.points
    )
    if taken is not None and taken < short.points:
        taken += await connection.fetchval(QUERIES["gather_budget"], shard, short.promotion) or 0
    return taken
