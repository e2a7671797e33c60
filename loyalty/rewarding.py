"""Rewards and benefits as routes and jobs ask for them: what there is, and what is done with it."""

from collections.abc import Sequence

from msgspec import Struct

from loyalty.commands import store as commands_store
from loyalty.commands.benefit import ReturnBenefit, ReturnRequest, UseBenefit, UseRequest
from loyalty.commands.choose import Choose, ChooseRequest
from loyalty.commands.lapse import Lapse
from loyalty.commands.model import Answer, Key
from loyalty.commands.rewarding import RewardView, view
from loyalty.commands.use import Occasion, UseReward
from loyalty.ids import UUID
from loyalty.ledger.model import Member
from loyalty.rewards import store
from loyalty.service import Service


class RewardOf(Struct, frozen=True, gc=False):
    """A reward as people read it, and whose it is."""

    reward_id: UUID
    member_id: UUID
    number: str
    shown: RewardView


async def page(
    service: Service, member: Member, before: UUID, statuses: Sequence[str] | None, limit: int
) -> list[RewardOf]:
    """Return a page of a member's rewards before one, newest first; all statuses if None."""
    found = await store.list_rewards(service.pool, member.shard, member.member_id, before, statuses, limit)
    return [
        RewardOf(
            one.reward.reward_id, member.member_id, member.number, view(service.rules, one.reward, one.taken)
        )
        for one in found
    ]


async def flagged(service: Service, before: UUID, limit: int) -> list[RewardOf]:
    """Return a page of rewards that were used and then lost their milestone, before one, newest first."""
    found = await store.list_flagged(service.pool, before, limit)
    return [RewardOf(one.reward_id, one.member_id, number, view(service.rules, one)) for one, number in found]


async def choose(
    service: Service, member_id: UUID, reward_id: UUID, request: ChooseRequest, actor: str, key: Key
) -> Answer:
    """Choose a reward; raise Problem when it is refused."""
    return await service.submit(Choose(member_id, reward_id, request, actor, key))


async def use(
    service: Service, member_id: UUID, reward_id: UUID, occasion: Occasion, actor: str, key: Key
) -> Answer:
    """Use a reward, once; raise Problem when it is refused."""
    await service.require_property(occasion.property)
    return await service.submit(UseReward(member_id, reward_id, occasion, actor, key))


async def use_benefit(
    service: Service, member_id: UUID, code: str, request: UseRequest, actor: str, key: Key
) -> Answer:
    """Use a benefit of the tier that is counted; raise Problem when it is refused."""
    await service.require_property(request.property)
    return await service.submit(UseBenefit(member_id, code, request, actor, key))


async def return_benefit(
    service: Service, member_id: UUID, code: str, request: ReturnRequest, actor: str, key: Key
) -> Answer:
    """Give back uses of a benefit; raise Problem when it is refused."""
    await service.require_property(request.property)
    return await service.submit(ReturnBenefit(member_id, code, request, actor, key))


async def lapse(service: Service, member_id: UUID) -> None:
    """Do what is due about a member's rewards and vouchers."""
    await service.submit(Lapse(member_id))


async def add_missing_vouchers(service: Service) -> None:
    """Give vouchers to rewards of a time when there were none."""
    for shard in range(service.poster.shards):
        await commands_store.add_missing_vouchers(service.pool, shard, service.codes, service.clock.now())
