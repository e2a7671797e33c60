"""Gathers what the commands of a batch have to know beyond members, stays and keys, each by one statement or none.

By what they are: redemptions, lots, rewards, vouchers. What a key has its outcome of needs nothing else.
"""

from collections.abc import Sequence
from typing import Final

from loyalty.commands import hold, redeeming_store, store
from loyalty.commands.benefit import ReturnBenefit
from loyalty.commands.choose import Choose
from loyalty.commands.hand_over import HandOver
from loyalty.commands.hold import Hold
from loyalty.commands.lapse import Lapse
from loyalty.commands.model import Facts, Unread, accounts_of
from loyalty.commands.post_stay import PostStay
from loyalty.commands.redeem_voucher import RedeemVoucher
from loyalty.commands.redeeming_store import Asked
from loyalty.commands.refund import Refund
from loyalty.commands.revoke_voucher import RevokeVoucher
from loyalty.commands.together import Batch
from loyalty.commands.use import UseReward
from loyalty.commands.verbs import Command, Steps, gives_back, need_of
from loyalty.db import Connection
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import needs
from loyalty.partners import store as partners_store
from loyalty.partners.catalogue import Catalogue
from loyalty.rewards import store as rewards_store
from loyalty.vouchers import store as vouchers_store
from loyalty.vouchers.model import Voucher

_OF_VOUCHERS: Final = (RedeemVoucher, RevokeVoucher, HandOver, Refund, ReturnBenefit, Lapse)
"""Commands that have to know vouchers."""
_OF_REWARDS: Final = (Choose, UseReward, RedeemVoucher, RevokeVoucher)
"""Commands that name a reward, or a voucher that may be one."""


async def gather(connection: Connection, batch: Batch) -> None:
    """Give the facts of a batch all that its commands may look at; know the catalogue and the stock, if they do."""
    if _is_of_stays(batch):
        await _add_lots(connection, batch)
        return
    steps = [
        (known, command) for known, command in batch.pairs()
        if isinstance(command, Steps) and known.prior is None
    ]  # fmt: skip
    if steps:
        await _add_steps(connection, batch, steps)
    holds = [
        (known, command) for known, command in batch.pairs()
        if isinstance(command, Hold) and known.member is not None and known.prior is None
    ]  # fmt: skip
    if holds:
        await _add_holds(connection, batch, holds)
    await _add_lots(connection, batch)
    await _add_rewards(connection, batch)
    await _add_vouchers(connection, batch)


def _is_of_stays(batch: Batch) -> bool:
    """Tell whether there is nothing but postings of stays, as in most batches: they only look for lots."""
    return {type(command) for command in batch.commands} == {PostStay}


async def _add_steps(connection: Connection, batch: Batch, steps: Sequence[tuple[Facts, Steps]]) -> None:
    """Give steps their redemption and its offer, and the lots that points go back to."""
    named = {command.redemption_id: known.member.member_id for known, command in steps if known.member}
    generation, found = await redeeming_store.read_redemptions(connection, batch.shard, named)
    if generation is not None and generation != batch.catalogue.generation:
        batch.catalogue = await _newest(connection, batch.catalogue)
    pinned: list[Facts] = []
    for known, command in steps:
        known.redemption = one = found.get(command.redemption_id)
        if one is not None:
            known.listing = batch.catalogue.listing(one.offer, one.offer_version)
            if gives_back(command):
                pinned.append(known)
    if pinned:
        await redeeming_store.add_pinned(connection, batch.shard, pinned)


async def _add_holds(connection: Connection, batch: Batch, holds: Sequence[tuple[Facts, Hold]]) -> None:
    """Give holds their offer, their token and what else is on file, and the stock that they will draw on."""
    while True:
        for known, command in holds:
            known.listing = batch.catalogue.listing(command.request.offer)
            known.order = hold.look_ahead(known, batch.rules, command, batch.moment)
        stock = {name for known, _ in holds if known.order for name in known.order.draws}
        asked = [_asked(known, command) for known, command in holds]
        generation, left, found = await redeeming_store.read_orders(connection, batch.shard, asked, stock)
        if generation == batch.catalogue.generation:
            break
        batch.catalogue = await _newest(connection, batch.catalogue)
    for (known, _), on_file in zip(holds, found, strict=True):
        known.referenced, known.token, known.taken = on_file.referenced, on_file.token, on_file.taken
    batch.stock, batch.left = stock, left


def _asked(facts: Facts, command: Hold) -> Asked:
    request = command.request
    assert facts.member is not None, "a hold that is looked at is a member's"
    partner = facts.listing.partner_code if facts.listing else ""
    return Asked(accounts_of(facts.member), request.offer, partner, request.reference, command.token)


async def _newest(connection: Connection, catalogue: Catalogue) -> Catalogue:
    """Return the catalogue as it is; never an older one, should this be read from before."""
    found = await partners_store.load(connection, catalogue)
    return found if found.generation > catalogue.generation else catalogue


async def _add_lots(connection: Connection, batch: Batch) -> None:
    """Give the lots that commands need; none to twins, which are decided later, by what will then be there."""
    wanted = [
        (known, need)
        for place, (known, command) in enumerate(batch.pairs())
        if place not in batch.twins
        and known.member is not None
        and (need := need_of(known, known.member, command, batch.moment)) is not None
    ]
    if wanted:
        await store.add_lots(connection, batch.shard, wanted, batch.moment.today)


async def _add_rewards(connection: Connection, batch: Batch) -> None:
    """Give the rewards that commands name, and those that are due."""
    named = [
        (known, command) for known, command in batch.pairs()
        if isinstance(command, _OF_REWARDS)
    ]  # fmt: skip
    if named:
        # The voucher of a reward has its id.
        wanted = [
            command.reward_id if isinstance(command, Choose | UseReward) else command.voucher_id
            for _, command in named
        ]
        found = await rewards_store.find_rewards(connection, batch.shard, wanted)
        for known, _ in named:
            # Another member's crossings of the same milestone are none of this one's.
            known.rewards = [one for one in found if known.member and one.member_id == known.member.member_id]
    lapsing = [
        known for known, command in batch.pairs()
        if isinstance(command, Lapse) and known.member is not None
    ]  # fmt: skip
    if lapsing:
        ids = [known.member.member_id for known in lapsing if known.member]
        due = await rewards_store.find_due(connection, batch.shard, ids, batch.moment.today)
        for known in lapsing:
            known.rewards = [one for one in due if known.member and one.member_id == known.member.member_id]


async def _add_vouchers(connection: Connection, batch: Batch) -> None:
    """Give the vouchers that commands name or may take back, and those that are due."""
    if not any(isinstance(command, _OF_VOUCHERS) for command in batch.commands):
        return
    pairs = list(batch.pairs())
    named = [
        (known, command.voucher_id) for known, command in pairs
        if isinstance(command, RedeemVoucher | RevokeVoucher | HandOver)
    ]  # fmt: skip
    if named:
        _share(
            named,
            await vouchers_store.find_vouchers(
                connection, batch.shard, [voucher_id for _, voucher_id in named]
            ),
        )
    refunds = [(known, command.redemption_id) for known, command in pairs if isinstance(command, Refund)]
    if refunds:
        ids = [redemption_id for _, redemption_id in refunds]
        _share(refunds, await vouchers_store.find_of_redemptions(connection, batch.shard, ids))
    returning = _members_of(pairs, ReturnBenefit)
    if returning:
        ids = [member_id for _, member_id in returning]
        of_benefits = await vouchers_store.find_of_benefits(connection, ids)
        for known, member_id in returning:
            known.vouchers = of_benefits[member_id]
    lapsing = _members_of(pairs, Lapse)
    if lapsing:
        ids = [member_id for _, member_id in lapsing]
        _share(lapsing, await vouchers_store.find_due(connection, batch.shard, ids, batch.moment.today))


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


async def add_given(
    connection: Connection, shard: int, wanted: Sequence[tuple[Facts, Unread]], moment: Moment
) -> None:
    """Give what crossings gave, and the lots that it takes to take it back."""
    places = [(one.member_id, place) for _, one in wanted for place in one.places]
    given = await rewards_store.find_given(connection, shard, places)
    gone = [(one.member_id, place) for _, one in wanted for place in one.regained]
    taken_back = await rewards_store.find_taken_back(connection, shard, gone) if gone else []
    lots: list[tuple[Facts, int]] = []
    for facts, one in wanted:
        mine = [(reward, spent) for reward, spent in given if reward.member_id == one.member_id]
        facts.rewards = [reward for reward, _ in mine]
        facts.spent_rewards = frozenset(reward.reward_id for reward, spent in mine if spent)
        if points := sum(reward.points for reward in facts.rewards):
            draws = points + (facts.stay.award.points if facts.stay else 0)
            lots.append((facts, (facts.member and needs(facts.member, draws, moment)) or draws))
        facts.rewards += [reward for reward in taken_back if reward.member_id == one.member_id]
    if not lots:
        return
    await store.add_lots(connection, shard, lots, moment.today)
    for facts, _ in lots:
        there = {lot.lot_id for lot in facts.lots}
        own = [
            one.journal_id
            for one in facts.rewards or ()
            if one.points and one.status != "revoked" and one.journal_id not in there
        ]
        facts.lots += await rewards_store.find_lots(connection, shard, own)
