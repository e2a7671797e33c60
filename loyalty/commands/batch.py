"""The shell around the commands: it reads the facts of a batch, lets each command decide, and writes at once.

A refusal touches nothing but, under an idempotency key, the key. An unexpected failure rolls everything back; the
poster then runs the commands again, one by one.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from asyncpg.exceptions import (
    CheckViolationError,
    DeadlockDetectedError,
    NotNullViolationError,
    SerializationError,
    UniqueViolationError,
)

from loyalty.clock import Clock
from loyalty.commands import (
    adjust,
    benefit,
    capture,
    choose,
    end_status,
    enrol,
    expire,
    expire_hold,
    extend,
    give_status,
    hand_over,
    hold,
    lapse,
    mint_token,
    post_stay,
    purchase,
    redeem_voucher,
    redeeming_store,
    refund,
    register,
    release,
    review,
    revoke_voucher,
    set_segments,
    store,
    use,
    versions,
)
from loyalty.commands.adjust import Adjust
from loyalty.commands.benefit import ReturnBenefit, UseBenefit
from loyalty.commands.capture import Capture
from loyalty.commands.choose import Choose
from loyalty.commands.end_status import EndStatus
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.expire_hold import ExpireHold
from loyalty.commands.extend import Extend
from loyalty.commands.give_status import GiveStatus
from loyalty.commands.hand_over import HandOver
from loyalty.commands.hold import Hold
from loyalty.commands.lapse import Lapse
from loyalty.commands.mint_token import MintToken
from loyalty.commands.model import (
    Alias,
    Decision,
    Elsewhere,
    Facts,
    Key,
    Move,
    Result,
    Short,
    Unread,
    settle,
)
from loyalty.commands.move_stay import decide_move
from loyalty.commands.post_stay import PostStay
from loyalty.commands.purchase import Purchase
from loyalty.commands.redeem_voucher import RedeemVoucher
from loyalty.commands.redeeming_store import Asked
from loyalty.commands.refund import Refund
from loyalty.commands.register import Register
from loyalty.commands.release import Release
from loyalty.commands.review import Review
from loyalty.commands.revoke_voucher import RevokeVoucher
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.set_segments import SetSegments
from loyalty.commands.tally import count
from loyalty.commands.use import UseReward
from loyalty.db import Connection
from loyalty.ids import UUID, Mint, parse, shard_of
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import needs
from loyalty.partners import store as partners_store
from loyalty.partners.catalogue import Catalogue, House
from loyalty.partners.offers import STOCK
from loyalty.rewards import store as rewards_store
from loyalty.vouchers import store as vouchers_store
from loyalty.vouchers.codes import Codes
from loyalty.vouchers.model import Voucher

Steps = Capture | Release | Extend | Refund | ExpireHold
"""What happens to a redemption that is there: it is the member's who made it, also when that one was merged."""

Command = (
    PostStay | Adjust | Enrol | Expire | Review | Purchase | GiveStatus | EndStatus | SetSegments | Register
    | Choose | UseReward | Lapse | UseBenefit | ReturnBenefit | RedeemVoucher | RevokeVoucher | HandOver
    | Hold | MintToken | Steps
)  # fmt: skip

_DECIDE: Final[dict[type, Callable[[Facts, Rulebook, Any, Moment], Result]]] = {
    PostStay: post_stay.decide,
    Adjust: adjust.decide,
    Enrol: enrol.decide,
    Expire: expire.decide,
    Review: review.decide,
    Purchase: purchase.decide,
    GiveStatus: give_status.decide,
    EndStatus: end_status.decide,
    SetSegments: set_segments.decide,
    Register: register.decide,
    Choose: choose.decide,
    UseReward: use.decide,
    Lapse: lapse.decide,
    UseBenefit: benefit.decide_use,
    ReturnBenefit: benefit.decide_return,
    RedeemVoucher: redeem_voucher.decide,
    RevokeVoucher: revoke_voucher.decide,
    HandOver: hand_over.decide,
    Hold: hold.decide,
    MintToken: mint_token.decide,
    Capture: capture.decide,
    Release: release.decide,
    Extend: extend.decide,
    Refund: refund.decide,
    ExpireHold: expire_hold.decide,
}
"""What decides each kind of command."""

_RACES = (
    UniqueViolationError, CheckViolationError, NotNullViolationError, DeadlockDetectedError, SerializationError,
)  # fmt: skip
"""What a batch fails by when another process has changed something since it was read, or the program."""

_LEASES: Final = 8
_LEASE_SECONDS: Final = 0.005
"""How often, and after what time, a shard asks again for stock that others have leased and are at work with."""
_NONE: Final[Mapping[str, int]] = {}


_OF_THE_ACCOUNT = (
    Enrol, Expire, Review, Lapse, RedeemVoucher, RevokeVoucher, HandOver, Capture, Release, Extend, Refund, ExpireHold,
)  # fmt: skip
"""Commands that are about an account itself, merged or not: what was redeemed stays where it was."""


_OF_VOUCHERS = (RedeemVoucher, RevokeVoucher, HandOver, Refund, ReturnBenefit, Lapse)
"""Commands that have to know vouchers."""


class Batches:
    """Runs batches of commands under one program."""

    def __init__(self, rules: Rulebook, clock: Clock, mint: Mint, codes: Codes) -> None:
        """Take the program, the clock, the source of ids and that of vouchers' codes.

        The catalogue of offers is read once it is needed.
        """
        self.rules = rules
        self.codes = codes
        self.catalogue = Catalogue(House(rules.definition.currency, rules.zone))
        self._clock = clock
        self._mint = mint

    async def run(
        self, connection: Connection, shard: int, commands: Sequence[Command]
    ) -> list[Result | None]:
        """Run commands of one shard, all of them or none; return their results in order.

        None says that the member already has a command in this batch, under its other name: run it again later.

        Most batches take two statements and no lock: the second fails if another process has meanwhile changed a
        member, or published a version of the program. Then, or where nothing would fail, the batch is decided under the
        members' locks.
        """
        facts = await self.read(connection, shard, [_named(command) for command in commands])
        if all(map(_shows_a_race, commands, facts)):
            with suppress(*_RACES):
                results, decisions = await self._decide_and_write(
                    connection, shard, commands, facts, self.rules.generation
                )
                count(decisions)
                return results
        async with connection.transaction():
            await _lock(connection, shard, commands)
            if self._budgeted():
                await store.lock_budgets(connection, shard, self._promotions())
            facts = await self.read(connection, shard, [_named(command) for command in commands])
            results, decisions = await self._decide_and_write(connection, shard, commands, facts)
        count(decisions)
        return results

    async def _decide_and_write(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        generation: int | None = None,
    ) -> tuple[list[Result | None], list[Decision]]:  # fmt: skip
        """Let each command decide alone, and write what they decide; return all results, and what was written.

        `generation` is that of the program's versions, where nothing keeps others from coming into force meanwhile.
        """
        # The clock is read after the facts: a member's journals are recorded in the order of their versions.
        moment = self.moment()
        twins = _twins(facts)
        await _add_priors(connection, commands, facts)
        stock = await self._add_redeeming(connection, shard, commands, facts, moment)
        if stock and generation is None:
            await store.lock_budgets(connection, shard, stock)
        await _add_lots(connection, shard, commands, facts, twins, moment)
        await _add_rewards(connection, shard, commands, facts, moment)
        await _add_vouchers(connection, shard, commands, facts, moment)
        if stock or self._budgeted():
            results = await self._decide_within_budgets(
                connection, shard, commands, facts, twins, moment, stock
            )
        else:
            results: list[Result | None] = [
                None if place in twins else settle(self._decide(known, command, moment), _key(command))
                for place, (known, command) in enumerate(zip(facts, commands, strict=True))
            ]
            await self._decide_unread(connection, shard, commands, facts, results, moment)
        results = _without_twins(results)
        decisions = [
            result for result in results if isinstance(result, Decision) and not result.answer.replayed
        ]
        if decisions:
            # In the order of the members, as locks are: two processes then never wait for each other in a circle.
            decisions.sort(key=_member_order)
            await store.write(connection, shard, decisions, moment.at, self.codes, generation)
        return results, decisions

    async def read(self, connection: Connection, shard: int, named: Sequence[store.Named]) -> list[Facts]:
        """Return the facts of members; if other versions of the program are in force by now, know them first.

        Where the program has come to need days, what was counted by year alone is counted again.
        """
        if not named:
            return []
        generation, facts = await store.read_facts(connection, shard, named)
        if generation != self.rules.generation:
            self.rules = await versions.load(connection, self.rules)
        by_day = self.rules.by_day
        if by_day:
            others = [one.member for one in facts if one.member and one.member.traits.by_day != by_day]
            if others:
                await store.count_by_day(connection, shard, others, by_day)
        return facts

    async def _decide_move(
        self, connection: Connection, leaving: Facts, joining: Facts, command: PostStay, moment: Moment
    ) -> Move | Result:
        shard = joining.member.shard if joining.member else 0
        if self._budgeted():
            await store.lock_budgets(connection, shard, self._promotions())
            joining.budgets = await store.read_budgets(connection, shard, self._promotions())
        while isinstance(
            result := decide_move(leaving, joining, self.rules, command, moment), Short | Unread
        ):
            if isinstance(result, Unread):
                mine = joining if _is_of(joining, result) else leaving
                await _add_given(connection, shard_of(result.member_id), [(mine, result)], moment)
            else:
                await self._lease(connection, shard, joining, result)
        return result

    async def _lease(
        self, connection: Connection, shard: int, facts: Facts, short: Short, taken: Mapping[str, int] = _NONE
    ) -> None:
        """Take more of a budget for a shard, or note that there is no more; so many were `taken` by the batch."""
        leased = await store.lease_budget(connection, shard, short)
        if short.promotion.startswith(STOCK) and not leased:
            leased = await self._lease_stock(connection, shard, facts, short, leased, taken)
        facts.budgets[short.promotion] = facts.budgets.get(short.promotion, 0) + (leased or 0)
        if not leased:
            facts.spent |= {short.promotion}

    async def _lease_stock(
        self, connection: Connection, shard: int, facts: Facts, short: Short, leased: int | None,
        taken: Mapping[str, int],
    ) -> int:  # fmt: skip
        """Take some of a stock that nobody has asked for before, or that others are just at work with."""
        name = short.promotion
        if leased is None and short.opens is not None:
            await partners_store.open_stock(connection, {name: short.opens}, self.catalogue.generation)
        for _ in range(_LEASES):
            leased = await store.lease_budget(connection, shard, short)
            if leased:
                return leased
            left = await redeeming_store.left_of_stock(connection, name)
            if left is None:
                raise SerializationError("the catalogue has changed")
            left -= taken.get(name, 0)
            if left < facts.budgets.get(name, 0) + short.points:
                facts.left[name] = left
                return 0
            await asyncio.sleep(_LEASE_SECONDS)
        raise SerializationError("the stock is in great demand")

    def _budgeted(self) -> bool:
        return any(version.budgets for version in self.rules.versions)

    def _promotions(self) -> set[str]:
        """Return the promotions that have a budget."""
        return {code for version in self.rules.versions for code in version.budgets}

    async def _decide_within_budgets(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        twins: set[int], moment: Moment, stock: set[str],
    ) -> list[Result | None]:  # fmt: skip
        """Let each command decide by what those before it have left of promotions' budgets, and of `stock`.

        They are read once a command would draw on one: most batches have no stay that does.
        """
        left: dict[str, int] | None = None
        taken: dict[str, int] = {}
        spent: frozenset[str] = frozenset()
        gone: dict[str, int] = {}
        results: list[Result | None] = []
        for place, (known, command) in enumerate(zip(facts, commands, strict=True)):
            if place in twins:
                results.append(None)
                continue
            known.budgets, known.spent, known.left = {} if left is None else left, spent, gone
            while isinstance(result := self._decide(known, command, moment), Short | Unread):
                if isinstance(result, Unread):
                    await _add_given(connection, shard, [(known, result)], moment)
                elif left is None:
                    found = await store.read_budgets(connection, shard, stock | self._promotions())
                    known.budgets = left = {code: n - taken.get(code, 0) for code, n in found.items()}
                else:
                    await self._lease(connection, shard, known, result, taken)
            spent = known.spent
            if isinstance(result, Decision):
                for code, points in result.budgets.items():
                    taken[code] = taken.get(code, 0) + points
                    if left is not None:
                        left[code] = left.get(code, 0) - points
                    if points < 0:
                        spent -= {code}
            results.append(settle(result, _key(command)))
        return results

    async def _add_redeeming(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        moment: Moment,
    ) -> set[str]:  # fmt: skip
        """Give what redemptions need to know, by the catalogue as it is; return the stock that holds will draw on."""
        holds = [
            (known, command) for known, command in zip(facts, commands, strict=True)
            if isinstance(command, Hold) and known.member is not None and known.prior is None
        ]  # fmt: skip
        steps = [
            (known, command) for known, command in zip(facts, commands, strict=True)
            if isinstance(command, Steps) and known.prior is None
        ]  # fmt: skip
        if steps:
            await self._add_steps(connection, shard, steps)
        return await self._add_holds(connection, shard, holds, moment) if holds else set()

    async def _add_holds(
        self, connection: Connection, shard: int, holds: Sequence[tuple[Facts, Hold]], moment: Moment
    ) -> set[str]:
        """Give holds their offer, their token and what else is on file; return the stock that they will draw on."""
        while True:
            asked = [self._asked(known, command) for known, command in holds]
            generation, found = await redeeming_store.read_orders(connection, shard, asked)
            if generation == self.catalogue.generation:
                break
            await self._know_catalogue(connection)
        names: set[str] = set()
        for (known, command), on_file in zip(holds, found, strict=True):
            known.listing = self.catalogue.listing(command.request.offer)
            known.referenced, known.token, known.taken = on_file.referenced, on_file.token, on_file.taken
            order = hold.look_ahead(known, self.rules, command, moment)
            if order is not None:
                known.draws = order.cost.points
                names |= hold.draws(known, order).keys()
        return names

    def _asked(self, facts: Facts, command: Hold) -> Asked:
        request, listing = command.request, self.catalogue.listing(command.request.offer)
        assert facts.member is not None, "a hold that is looked at is a member's"
        partner = listing.partner_code if listing else ""
        return Asked(facts.member.member_id, request.offer, partner, request.reference, command.token)

    async def _add_steps(
        self, connection: Connection, shard: int, steps: Sequence[tuple[Facts, Steps]]
    ) -> None:
        """Give steps their redemption and its offer, and the lots that points go back to."""
        ids = [command.redemption_id for _, command in steps]
        generation, found = await redeeming_store.read_redemptions(connection, shard, ids)
        if generation is not None and generation != self.catalogue.generation:
            await self._know_catalogue(connection)
        pinned: list[Facts] = []
        for known, command in steps:
            known.redemption = one = found.get(command.redemption_id)
            if one is not None:
                known.listing = self.catalogue.listing(one.offer, one.offer_version)
                if _gives_back(command):
                    pinned.append(known)
        if pinned:
            await redeeming_store.add_pinned(connection, shard, pinned)

    async def _know_catalogue(self, connection: Connection) -> None:
        found = await partners_store.load(connection, self.catalogue)
        if found.generation > self.catalogue.generation:
            self.catalogue = found

    def moment(self) -> Moment:
        """Return the moment of a decision: it is asked for once the facts are read."""
        at = self._clock.now()
        today = self.rules.today(at)
        rules = self.rules.at(today)
        return Moment(at, today, self._mint, rules.idling, rules.spares)

    def _decide(self, facts: Facts, command: Command, moment: Moment) -> Result:
        alias = _alias(facts, command)
        return alias or _DECIDE[type(command)](facts, self.rules, command, moment)

    async def _decide_unread(
        self, connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts],
        results: list[Result | None], moment: Moment,
    ) -> None:  # fmt: skip
        """Decide again, in place, what needs to know what milestones gave: read once for all of the batch."""
        unread = [(place, one) for place, one in enumerate(results) if isinstance(one, Unread)]
        if not unread:
            return
        await _add_given(connection, shard, [(facts[place], one) for place, one in unread], moment)
        for place, _ in unread:
            results[place] = settle(
                self._decide(facts[place], commands[place], moment), _key(commands[place])
            )

    async def move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID
    ) -> Move | Result:
        """Run a posting that touches two members, in a transaction of its own that locks both in one order."""
        async with connection.transaction():
            for one in sorted((member_id, other), key=lambda value: (shard_of(value), value)):
                await store.lock_members(connection, shard_of(one), [one], [])
            moment = self.moment()
            result = await self._read_and_decide_move(connection, command, member_id, other, moment)
            written = await self._write_move(connection, result, member_id, moment.at)
        count(written)
        return result

    async def _write_move(
        self, connection: Connection, result: Move | Result, member_id: UUID, at: datetime
    ) -> list[Decision]:
        """Write what a posting that touches two members has decided, and return it."""
        parts: tuple[tuple[int, Decision], ...] = ()
        if isinstance(result, Move):
            parts = result.parts
        elif isinstance(result, Decision) and not result.answer.replayed:
            parts = ((shard_of(member_id), result),)
        for shard, decision in parts:
            if decision.entry is not None and decision.entry.left is not None:
                await store.move_entry(connection, shard, decision.entry)
            await store.write(connection, shard, [decision], at, self.codes)
        return [decision for _, decision in parts]

    async def _read_and_decide_move(
        self, connection: Connection, command: PostStay, member_id: UUID, other: UUID, moment: Moment
    ) -> Move | Result:
        """Decide a posting that touches two members by what is on file of both."""
        [joining] = await self.read(connection, shard_of(member_id), [(member_id, command.posting)])
        [leaving] = await self.read(connection, shard_of(other), [(other, None)])
        leaving.stay = joining.stay
        for facts in (joining, leaving):
            if facts.member is not None and facts.stay is not None:
                need = needs(facts.member, facts.stay.award.points, moment) or 0
                await store.add_lots(connection, facts.member.shard, [(facts, need)], moment.today)
        return await self._decide_move(connection, leaving, joining, command, moment)

    async def preview(self, connection: Connection, shard: int, command: PostStay) -> Move | Result:
        """Decide a posting as it would be decided now, and leave everything as it is.

        What it leases of a promotion's budget goes back with the transaction.
        """
        transaction = connection.transaction()
        await transaction.start()
        try:
            facts = await self.read(connection, shard, [_named(command)])
            moment = self.moment()
            await _add_lots(connection, shard, [command], facts, set(), moment)
            if self._budgeted():
                [result] = await self._decide_within_budgets(
                    connection, shard, [command], facts, set(), moment, set()
                )
            else:
                results: list[Result | None] = [self._decide(facts[0], command, moment)]
                await self._decide_unread(connection, shard, [command], facts, results, moment)
                [result] = results
            assert result is not None, "a single posting has no twin"
            member = facts[0].member
            if isinstance(result, Elsewhere) and member is not None:
                return await self._read_and_decide_move(
                    connection, command, member.member_id, result.member_id, moment
                )
            return result
        finally:
            await transaction.rollback()


def _alias(facts: Facts, command: Command) -> Alias | None:
    """Return who stands for a member that was merged; its number stays taken, its books have no points to expire."""
    member = facts.member
    if member is None or member.traits.merged_into is None or isinstance(command, _OF_THE_ACCOUNT):
        return None
    survivor = parse("mem", member.traits.merged_into)
    assert survivor is not None, "a merged member leads to one that stands for it"
    return Alias(survivor)


def _shows_a_race(command: Command, facts: Facts) -> bool:
    """Tell whether what a command decides on outdated facts would fail to be written.

    A journal fails by the member's version, a new stay by its natural key, an idempotency key by itself. But a revision
    may be overtaken by a newer one that moves nothing and has no journal, and expiry may find nothing to write one for:
    only locks keep those in order.
    """
    if isinstance(command, PostStay):
        return facts.stay is None
    return not isinstance(command, Expire | Review | Lapse)


def _member_order(decision: Decision) -> bytes:
    return b"" if decision.book is None else decision.book.member.member_id.bytes


def _named(command: Command) -> store.Named:
    return command.target, command.posting if isinstance(command, PostStay) else None


def _twins(facts: Sequence[Facts]) -> set[int]:
    """Return the places of commands whose member has an earlier one in the batch."""
    seen: set[UUID] = set()
    twins: set[int] = set()
    for place, known in enumerate(facts):
        if known.member is None:
            continue
        if known.member.member_id in seen:
            twins.add(place)
        seen.add(known.member.member_id)
    return twins


async def _lock(connection: Connection, shard: int, commands: Sequence[Command]) -> None:
    ids = [command.target for command in commands if not isinstance(command.target, str)]
    numbers = [command.target for command in commands if isinstance(command.target, str)]
    await store.lock_members(connection, shard, ids, numbers)


async def _add_priors(connection: Connection, commands: Sequence[Command], facts: Sequence[Facts]) -> None:
    keys = [key for command in commands if (key := _key(command)) is not None]
    if not keys:
        return
    priors = await store.find_keys(connection, keys)
    for command, known in zip(commands, facts, strict=True):
        key = _key(command)
        if key is not None:
            known.prior = priors.get((key.principal, key.key))


async def _add_lots(
    connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts], twins: set[int],
    moment: Moment,
) -> None:  # fmt: skip
    """Give the lots that commands need; none to twins, which are decided later, by what will then be there."""
    wanted = [
        (known, need)
        for place, (known, command) in enumerate(zip(facts, commands, strict=True))
        if place not in twins
        and known.member is not None
        and (need := _need(known, known.member, command, moment)) is not None
    ]
    if wanted:
        await store.add_lots(connection, shard, wanted, moment.today)


async def _add_rewards(
    connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts], moment: Moment
) -> None:
    """Give the rewards that commands name, and those that are due."""
    named = [
        (known, command) for known, command in zip(facts, commands, strict=True)
        if isinstance(command, Choose | UseReward | RedeemVoucher | RevokeVoucher)
    ]  # fmt: skip
    if named:
        # The voucher of a reward has its id.
        wanted = [
            command.reward_id if isinstance(command, Choose | UseReward) else command.voucher_id
            for _, command in named
        ]
        found = await rewards_store.find_rewards(connection, shard, wanted)
        for known, _ in named:
            # Another member's crossings of the same milestone are none of this one's.
            known.rewards = [one for one in found if known.member and one.member_id == known.member.member_id]
    lapsing = [
        known for known, command in zip(facts, commands, strict=True)
        if isinstance(command, Lapse) and known.member is not None
    ]  # fmt: skip
    if lapsing:
        ids = [known.member.member_id for known in lapsing if known.member]
        due = await rewards_store.find_due(connection, shard, ids, moment.today)
        for known in lapsing:
            known.rewards = [one for one in due if known.member and one.member_id == known.member.member_id]


async def _add_vouchers(
    connection: Connection, shard: int, commands: Sequence[Command], facts: Sequence[Facts], moment: Moment
) -> None:
    """Give the vouchers that commands name or may take back, and those that are due."""
    if not any(isinstance(command, _OF_VOUCHERS) for command in commands):
        return
    pairs = list(zip(facts, commands, strict=True))
    named = [
        (known, command.voucher_id) for known, command in pairs
        if isinstance(command, RedeemVoucher | RevokeVoucher | HandOver)
    ]  # fmt: skip
    if named:
        _share(
            named,
            await vouchers_store.find_vouchers(connection, shard, [voucher_id for _, voucher_id in named]),
        )
    refunds = [(known, command.redemption_id) for known, command in pairs if isinstance(command, Refund)]
    if refunds:
        ids = [redemption_id for _, redemption_id in refunds]
        _share(refunds, await vouchers_store.find_of_redemptions(connection, shard, ids))
    returning = _members_of(pairs, ReturnBenefit)
    if returning:
        ids = [member_id for _, member_id in returning]
        of_benefits = await vouchers_store.find_of_benefits(connection, ids)
        for known, member_id in returning:
            known.vouchers = of_benefits[member_id]
    lapsing = _members_of(pairs, Lapse)
    if lapsing:
        ids = [member_id for _, member_id in lapsing]
        _share(lapsing, await vouchers_store.find_due(connection, shard, ids, moment.today))


def _members_of(pairs: Sequence[tuple[Facts, Command]], kind: type) -> list[tuple[Facts, UUID]]:
    return [
        (known, known.member.member_id)
        for known, command in pairs
        if known.member is not None and isinstance(command, kind)
    ]


def _share(wanted: Sequence[tuple[Facts, UUID]], found: Sequence[Voucher]) -> None:
    """Give each member's vouchers to the command about that member."""
    for known, _ in wanted:
        known.vouchers = [one for one in found if known.member and one.member_id == known.member.member_id]


async def _add_given(
    connection: Connection, shard: int, wanted: Sequence[tuple[Facts, Unread]], moment: Moment
) -> None:
    """Give what crossings gave, and the lots that it takes to take it back."""
    places = [(one.member_id, place) for _, one in wanted for place in one.places]
    given = await rewards_store.find_given(connection, shard, places)
    lots: list[tuple[Facts, int]] = []
    for facts, one in wanted:
        mine = [(reward, spent) for reward, spent in given if reward.member_id == one.member_id]
        facts.rewards = [reward for reward, _ in mine]
        facts.spent_rewards = frozenset(reward.reward_id for reward, spent in mine if spent)
        if points := sum(reward.points for reward in facts.rewards):
            draws = points + (facts.stay.award.points if facts.stay else 0)
            lots.append((facts, (facts.member and needs(facts.member, draws, moment)) or draws))
    if not lots:
        return
    await store.add_lots(connection, shard, lots, moment.today)
    for facts, _ in lots:
        there = {lot.lot_id for lot in facts.lots}
        own = [one.journal_id for one in facts.rewards or () if one.points and one.journal_id not in there]
        facts.lots += await rewards_store.find_lots(connection, shard, own)


def _is_of(facts: Facts, unread: Unread) -> bool:
    return facts.member is not None and facts.member.member_id == unread.member_id


def _key(command: Command) -> Key | None:
    return None if isinstance(command, PostStay) else command.key


def _need(facts: Facts, member: Member, command: Command, moment: Moment) -> int | None:
    """Return how many points a command may draw from lots; None when it needs no lot at all."""
    draws = 0
    if isinstance(command, PostStay) and facts.stay is not None:
        draws = facts.stay.award.points
    elif isinstance(command, Adjust):
        draws = max(0, -command.request.points)
    elif isinstance(command, Hold):
        draws = facts.draws
    return needs(member, draws, moment)


def _gives_back(command: Steps) -> bool:
    """Tell whether points may go back to lots."""
    if isinstance(command, Capture):
        return command.request.quantity is not None
    return not isinstance(command, Extend)


def _without_twins(results: list[Result | None]) -> list[Result | None]:
    """Let a stay, a partner's reference or a key that two commands of a batch name be decided once.

    The second runs again later.
    """
    named: set[object] = set()
    for place, result in enumerate(results):
        if not isinstance(result, Decision) or result.answer.replayed:
            continue
        entry, key = result.entry, result.key
        names: list[tuple[object, ...]] = [(key.principal, key.key)] if key else []
        if entry:
            posting = entry.posting
            names.append((posting.source, posting.property, posting.stay_ref, posting.leg))
        if result.redemptions and result.steps[0].step == 1:
            one = result.redemptions[0]
            names += [("reference", one.partner, one.reference)] if one.reference else []
        if any(name in named for name in names):
            results[place] = None
        named.update(names)
    return results
