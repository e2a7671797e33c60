"""The shell around the pure commands, in memory: it gives each command the facts the real one would read, and no more.

A refusal leaves nothing behind because commands work on copies, as they do on rows that were read.
"""

from collections import defaultdict
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from msgspec import structs

from loyalty import ids
from loyalty.commands import adjust, enrol, expire, post_stay
from loyalty.commands.adjust import Adjust, AdjustmentRequest
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.model import Answer, Decision, Facts, Key, Move, Prior, Result, Unread, settle
from loyalty.commands.move_stay import decide_move
from loyalty.commands.post_stay import PostStay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Allocation, Journal, Lot, Member, Moment, Transfer
from loyalty.ledger.outlook import Outlook, look
from loyalty.ledger.rules import ALL, needs
from loyalty.rewards.model import GrantedReward
from loyalty.stays.model import Award, StayOnFile, StayPosting, StayRevision
from loyalty.stays.rules import Folio, read_folio
from tests.builders import PRINCIPAL, counting_mint
from tests.property.oracle import Stay
from tests.property.wording import as_posting, keyed_seen, stay_seen

SHARDS = 3
_award = msgspec.json.Decoder(Award).decode
NaturalKey = tuple[str, str, str, int]


class Shell:
    """Members, stays and books in memory, and the day that it is."""

    def __init__(self, rules: Rulebook, today: date) -> None:
        self.rules = rules
        self.today = today
        self.at = datetime(today.year, today.month, today.day, 1, tzinfo=UTC)
        self.mint = counting_mint()
        self.members: dict[UUID, Member] = {}
        self.lots: dict[UUID, Lot] = {}
        self.journals: list[tuple[Journal, datetime]] = []
        self.transfers: list[Transfer] = []
        self.allocations: list[Allocation] = []
        self.directory: dict[NaturalKey, UUID] = {}
        self.revisions: dict[UUID, dict[int, StayRevision]] = defaultdict(dict)
        self.rewards: dict[UUID, GrantedReward] = {}
        self.grants: dict[tuple[UUID, str, int], str] = {}
        self.keys: dict[tuple[UUID, str], Prior] = {}
        self.drawn: list[tuple[Allocation, date]] = []

    def travel(self, days: int) -> None:
        self.today += timedelta(days=days)
        self.at += timedelta(days=days)

    # --- requests in the oracle's words -------------------------------------------------------------------------

    def enrol(self, number: str, key: str) -> dict[str, Any]:
        shard = ids.number_shard(number, SHARDS)
        command = Enrol(number, self.mint(shard), None, None, "test", _key(key, "enrol", number))
        return keyed_seen(self.run(command))

    def adjust(self, number: str, points: int, key: str) -> dict[str, Any]:
        request = AdjustmentRequest(number, points, "goodwill")
        return keyed_seen(self.run(Adjust(number, request, "test", _key(key, "adjust", number, points))))

    def expire(self, number: str) -> None:
        member = self.find(number)
        assert member is not None
        self.run(Expire(member.member_id))

    def post(self, stay: Stay, style: int = 0) -> dict[str, Any]:
        return stay_seen(self.post_raw(as_posting(stay, style)))

    def post_many(self, stays: list[Stay]) -> list[dict[str, Any]]:
        return [self.post(stay) for stay in stays]

    def post_raw(self, posting: StayPosting) -> Answer | Problem:
        folio = read_folio(posting, self.rules.limits.nights)
        assert isinstance(folio, Folio)
        return self.run(PostStay(posting.member, posting, folio, "test"))

    # --- one command --------------------------------------------------------------------------------------------

    def find(self, target: str | UUID) -> Member | None:
        if isinstance(target, str):
            return next((one for one in self.members.values() if one.number == target), None)
        return self.members.get(target)

    def run(self, command: PostStay | Adjust | Enrol | Expire) -> Answer | Problem:
        self.at += timedelta(seconds=1)
        rules = self.rules.at(self.today)
        moment = Moment(self.at, self.today, self.mint, rules.idling, rules.spares)
        facts = self._facts(command, moment)
        result = settle(self._decide(facts, command, moment), getattr(command, "key", None))
        if isinstance(result, Problem):
            return result
        if isinstance(result, Decision):
            self._write(result)
            return result.answer
        assert isinstance(command, PostStay)
        return self._move(command, result.member_id, moment)

    def _decide(self, facts: Facts, command: PostStay | Adjust | Enrol | Expire, moment: Moment) -> Result:
        module = {PostStay: post_stay, Adjust: adjust, Enrol: enrol, Expire: expire}[type(command)]
        result = module.decide(facts, self.rules, command, moment)
        if isinstance(result, Unread):
            self._give_rewards(facts, result)
            result = module.decide(facts, self.rules, command, moment)
        return result

    def _move(self, command: PostStay, other: UUID, moment: Moment) -> Answer | Problem:
        leaving, joining = Facts(deepcopy(self.members[other])), Facts(deepcopy(self.find(command.target)))
        leaving.stay = joining.stay = self._on_file(command.posting)
        for facts in (leaving, joining):
            assert facts.stay is not None
            self._give_lots(facts, needs(facts.member, facts.stay.award.points, moment) or 0)
        while isinstance(result := decide_move(leaving, joining, self.rules, command, moment), Unread):
            mine = leaving if result.member_id == other else joining
            self._give_rewards(mine, result)
        if isinstance(result, Problem):
            return result
        if isinstance(result, Decision):
            self._write(result)
            return result.answer
        assert isinstance(result, Move)
        for _, part in result.parts:
            self._write(part)
        return result.answer

    # --- facts --------------------------------------------------------------------------------------------------

    def _facts(self, command: PostStay | Adjust | Enrol | Expire, moment: Moment) -> Facts:
        facts = Facts(deepcopy(self.find(command.target)))
        needed = 0
        if isinstance(command, PostStay):
            facts.stay = self._on_file(command.posting)
            needed = facts.stay.award.points if facts.stay else 0
        elif command.key is not None:
            facts.prior = self.keys.get((command.key.principal, command.key.key))
            needed = max(0, -command.request.points) if isinstance(command, Adjust) else 0
        member = facts.member
        need = None if member is None else needs(member, needed, moment)
        if need is not None:
            self._give_lots(facts, need)
        return facts

    def _give_lots(self, facts: Facts, needed: int) -> None:
        """Give the open lots that are due, of the others as many as needed, and the stay's own."""
        member = facts.member
        assert member is not None
        mine = sorted(
            (lot for lot in self.lots.values() if lot.member_id == member.member_id and lot.remaining),
            key=_order,
        )
        given: list[Lot] = [lot for lot in mine if self.due(lot)]
        waiting = [lot for lot in mine if not self.due(lot)]
        before = 0
        for lot in waiting:
            if needed >= ALL or (not lot.pending and before < needed):
                given.append(lot)
            before += 0 if lot.pending else lot.remaining
        own: set[UUID] = set()
        if facts.stay is not None:
            earned = {one.journal_id for one in self.revisions[facts.stay.stay_id].values()}
            own = {one for one in earned if one in self.lots and self.lots[one].member_id == member.member_id}
            given += [self.lots[one] for one in sorted(own) if self.lots[one] not in given]
        facts.lots = [deepcopy(lot) for lot in given]
        facts.own = frozenset(own)
        facts.following = min((day for lot in waiting for day in _days(lot)), default=None)

    def _give_rewards(self, facts: Facts, unread: Unread) -> None:
        """Give what crossings gave, with the lots of what are points."""
        assert facts.rewards is None, "what was read is known"
        facts.rewards = [
            one
            for one in self.rewards.values()
            if one.member_id == unread.member_id
            and ((one.place in unread.places and one.status != "revoked") or one.place in unread.regained)
        ]
        spent = {one.lot_id for one in self.allocations if one.kind == "spend"}
        facts.spent_rewards = frozenset(one.reward_id for one in facts.rewards if one.journal_id in spent)
        there = {lot.lot_id for lot in facts.lots}
        own = [one.journal_id for one in facts.rewards if one.points and one.journal_id not in there]
        facts.lots += [deepcopy(self.lots[one]) for one in own]

    def due(self, lot: Lot) -> bool:
        return any(day <= self.today for day in _days(lot))

    def _on_file(self, posting: StayPosting) -> StayOnFile | None:
        stay_id = self.directory.get(natural_key(posting))
        if stay_id is None:
            return None
        said = self.revisions[stay_id]
        head = said[max(said)]
        same = said.get(-1 if posting.revision is None else posting.revision)
        return StayOnFile(
            ids.shard_of(stay_id), self.owner(stay_id), stay_id, head.revision, head.snapshot, _award(head.award),
            head.reply, (same.snapshot, same.reply) if same else None,
        )  # fmt: skip

    def owner(self, stay_id: UUID) -> UUID:
        """Return the member a stay belongs to: that of its last revision."""
        said = self.revisions[stay_id]
        return said[max(said)].member_id

    # --- rows ---------------------------------------------------------------------------------------------------

    def _write(self, decision: Decision) -> None:
        if decision.answer.replayed:
            return
        if decision.entry is not None:
            self._lead(decision)
        if (revision := decision.revision) is not None:
            assert revision.revision not in self.revisions[revision.stay_id], "a revision is written once"
            self.revisions[revision.stay_id][revision.revision] = revision
        self.rewards |= {one.reward_id: one for one in decision.rewards}
        for grant in decision.grants:
            self.grants[grant.member_id, grant.milestone, grant.ordinal] = grant.status
        if decision.key is not None:
            place = decision.key.principal, decision.key.key
            assert place not in self.keys, "a key has one outcome"
            self.keys[place] = Prior(decision.key.fingerprint, decision.answer.status, decision.answer.body)
        book = decision.book
        if book is None:
            return
        self.members[book.member.member_id] = book.member
        self.journals += [(journal, self.at) for journal in book.journals]
        self.transfers += book.transfers
        self.allocations += book.allocations
        self.drawn += [(allocation, self.today) for allocation in book.allocations]
        self.lots |= {lot.lot_id: lot for lot in (*book.new_lots, *book.changed_lots())}

    def _lead(self, decision: Decision) -> None:
        entry = decision.entry
        assert entry is not None
        key = natural_key(entry.posting)
        assert (key in self.directory) == (entry.left is not None), "a natural key leads to one stay"
        self.directory[key] = entry.stay_id
        if entry.left is not None:
            for number, revision in self.revisions[entry.left].items():
                if number < (entry.posting.revision or 0):
                    copied = structs.replace(revision, stay_id=entry.stay_id, journal_id=None)
                    self.revisions[entry.stay_id][number] = copied

    def snapshot(self) -> tuple[Any, ...]:
        """Return all that a member could notice, for comparison."""
        members = {
            one.number: (one.available, one.pending, one.debt, one.held, one.counters)
            for one in self.members.values()
        }
        granted = {
            (self.members[member].number, code, ordinal)
            for (member, code, ordinal), status in self.grants.items()
            if status == "granted"
        }
        return deepcopy(members), granted, self.open_points(), self.open_points(pending=True)

    def open_points(self, *, pending: bool = False) -> dict[tuple[str, date | None], int]:
        """Return what is left in lots that are open (or pending) by member and day of expiry."""
        found: dict[tuple[str, date | None], int] = defaultdict(int)
        for lot in self.lots.values():
            if lot.remaining and lot.pending == pending:
                found[self.members[lot.member_id].number, lot.expires_on] += lot.remaining
        return dict(found)

    def outlook(self, number: str) -> Outlook:
        """Return what a member has today, as a balance shows it."""
        member = self.find(number)
        assert member is not None
        mine = [lot for lot in self.lots.values() if lot.member_id == member.member_id and lot.remaining]
        expiring: dict[date, int] = defaultdict(int)
        for lot in mine:
            if lot.expires_on is not None:
                expiring[lot.expires_on] += lot.remaining
        opening = [
            (lot.opens_on, lot.expires_on, lot.remaining)
            for lot in mine
            if lot.pending and lot.opens_on is not None
        ]
        lapses_on = self.rules.at(self.today).lapses_on(member)
        return look(member, sorted(expiring.items()), opening, self.today, lapses_on)

    def rows(self) -> tuple[int, ...]:
        """Return how much is written: equal before and after whatever must write nothing."""
        return (
            len(self.journals), len(self.transfers), len(self.allocations), len(self.lots), len(self.keys),
            sum(len(said) for said in self.revisions.values()),
        )  # fmt: skip


def natural_key(posting: StayPosting) -> NaturalKey:
    return posting.source, posting.property, posting.stay_ref, posting.leg


def _days(lot: Lot) -> list[date]:
    """Return the days on which a lot opens, if that isn't written down yet, and expires."""
    return [day for day in (lot.opens_on if lot.pending else None, lot.expires_on) if day is not None]


def _order(lot: Lot) -> tuple[date, UUID]:
    return lot.expires_on or date.max, lot.lot_id


def _key(name: str, *body: object) -> Key:
    return Key(PRINCIPAL, name, repr(body).encode().ljust(32)[:32])
