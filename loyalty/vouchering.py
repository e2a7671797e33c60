"""Vouchers as routes ask for them: by their codes, or a member's; and what is done with one."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands import store as commands_store
from loyalty.commands.hand_over import HandOver
from loyalty.commands.model import Answer, Decision, Key, replay
from loyalty.commands.redeem_voucher import RedeemVoucher, RedeemVoucherRequest
from loyalty.commands.redeeming import Caller
from loyalty.commands.revoke_voucher import RevokeVoucher, RevokeVoucherRequest
from loyalty.commands.rulebook import names
from loyalty.commands.vouching import VoucherReply, VoucherView, view
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.ledger.model import Member
from loyalty.service import Service
from loyalty.vouchers import codes, store
from loyalty.vouchers.model import Voucher, owner_of

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(VoucherReply).decode


class Listed(Struct, frozen=True, gc=False):
    """A voucher of a member, and whether the member has it still: it may have been given away."""

    voucher: Voucher
    mine: bool


async def find(service: Service, typed: str) -> Voucher:
    """Return the voucher of a code, however it is typed; raise Problem, the same one whatever is wrong with it."""
    code = codes.read(typed)
    if code is not None and codes.shard_in(code) < service.poster.shards:
        found = await store.find_by_code(service.pool, codes.shard_in(code), codes.digest_of(code))
        if found is not None:
            return found.voucher
    raise Problem("unknown_voucher")


async def named(service: Service, typed: str, key: Key) -> Voucher | Answer:
    """Return the voucher of a code, or what the key was answered with: by then the code may be void.

    Raises Problem.
    """
    try:
        return await find(service, typed)
    except Problem:
        async with service.pool.acquire() as connection:
            priors = await commands_store.find_keys(connection, [key])
        known = replay(priors.get((key.principal, key.key)), key)
        if isinstance(known, Decision):
            return known.answer
        raise known or Problem("unknown_voucher") from None


async def page(
    service: Service, member: Member, before: UUID, statuses: Sequence[str] | None, limit: int
) -> list[Listed]:
    """Return a page of a member's vouchers before one, newest first, with those that were handed over to the member."""
    found = await store.list_vouchers(service.pool, member.member_id, before, statuses, limit)
    return [Listed(one.voucher, one.mine) for one in found]


async def redeem(
    service: Service, one: Voucher, request: RedeemVoucherRequest, caller: Caller, key: Key
) -> Answer:
    """Redeem a voucher, once; raise Problem when it is refused."""
    await _refuse_own(service, one, caller)
    await service.require_property(request.property)
    command = RedeemVoucher(one.member_id, one.voucher_id, one.handed_over, request, caller.name, key)
    return await service.submit(command)


async def _refuse_own(service: Service, one: Voucher, caller: Caller) -> None:
    """Raise Problem when somebody of the staff redeems what is his own, whatever accounts were merged meanwhile.

    It is the member's to whom it was handed over; handed over to nobody in particular, it is still the giver's here.
    Whose it was before is kept since there is a `giver_id`: of older ones, it is who had it first.
    """
    if caller.person is None:
        return
    if caller.person == await service.survivor(owner_of(one) or one.giver_id or one.member_id):
        raise Problem(
            "own_redemption", "It is the voucher of the key's own member: another one has to redeem it."
        )


async def revoke(
    service: Service, one: Voucher, request: RevokeVoucherRequest, actor: str, key: Key
) -> Answer:
    """Revoke a voucher; raise Problem when it is refused."""
    command = RevokeVoucher(one.member_id, one.voucher_id, one.handed_over, request, actor, key)
    return await service.submit(command)


async def hand_over(service: Service, one: Voucher, member: str | None, actor: str, key: Key) -> Answer:
    """Hand a voucher over, to a member or to whoever is told the new code; raise Problem when it is refused."""
    holder = None if member is None else await service.find_member(member)
    if member is not None and holder is None:
        raise Problem("unknown_member", f"There is no member {member}.", at="/member")
    if holder is not None and holder.member.status != "active":
        raise Problem("member_closed", at="/member")
    holder_id = holder.member.member_id if holder else None
    owner_id = owner_of(one)
    if holder_id is not None and await service.survivor(owner_id) == holder_id:
        holder_id = owner_id
    command = HandOver(one.member_id, one.voucher_id, one.handed_over, holder_id, actor, key)
    return with_code(service, await service.submit(command))


def with_code(service: Service, answer: Answer) -> Answer:
    """Return an answer with the code of its voucher, which isn't kept with it; a refusal as it is."""
    if answer.status != HTTPStatus.OK:
        return answer  # a refusal that is kept under its key
    voucher = _decode(answer.body).voucher
    voucher_id = parse("vch", voucher.voucher_id)
    assert voucher_id is not None, "the answer was made here"
    shown = structs.replace(voucher, code=codes.show(service.codes.make(voucher_id, voucher.handed_over)))
    return structs.replace(answer, body=_encode(VoucherReply(shown)))


def present(service: Service, one: Voucher, *, code: bool, member: bool) -> VoucherView:
    """Return a voucher as people read it, with its name; with its code and its member for those who may see them."""
    shown = structs.replace(view(one), name=_name(service, one))
    if code:
        shown = structs.replace(shown, code=codes.show(plain_code(service, one)))
    if member:
        shown = structs.replace(shown, member_id=show("mem", one.member_id))
    return shown


def plain_code(service: Service, one: Voucher) -> str:
    """Return the code of a voucher as machines read it."""
    return service.codes.make(one.voucher_id, one.handed_over)


def _name(service: Service, one: Voucher) -> dict[str, str] | None:
    """Return what a voucher is for, in both languages, as the newest version that has it says."""
    if one.source == "redemption":
        filed = service.catalogue.filed_offer(one.item)
        return None if filed is None else names(filed.one.name)
    for rules in reversed(service.rules.versions):
        name = rules.benefits.get(one.item) if one.source == "benefit" else rules.reward_name(one.item)
        if name is not None:
            return name
    return None
