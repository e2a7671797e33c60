"""Redemptions as routes and jobs ask for them: whose they are, their steps, and consent to them."""

import asyncio
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands import redeeming_store
from loyalty.commands.capture import Capture, CaptureRequest
from loyalty.commands.expire_hold import ExpireHold
from loyalty.commands.extend import Extend, ExtendRequest
from loyalty.commands.hold import Hold, RedemptionRequest
from loyalty.commands.mint_token import MintToken, TokenGiven, TokenRequest
from loyalty.commands.model import Answer, Key, Target
from loyalty.commands.redeeming import Caller, RedemptionView, view
from loyalty.commands.redeeming_store import DueHold
from loyalty.commands.refund import Refund, RefundRequest
from loyalty.commands.release import Release, ReleaseRequest
from loyalty.due import PAGE, go_through
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, shard_of, show
from loyalty.partners.redemption import Redemption, Token
from loyalty.service import Service

_TOKEN: Final = re.compile(r"rtk_[0-9a-f]{40}([0-9a-f]{4})")
_PURPOSE: Final = b"redemption token"

_FIRST: Final = DueHold(datetime(1970, 1, 1, tzinfo=UTC), UUID(bytes(16)), UUID(bytes(16)))
"""Before every hold."""

_encode = msgspec.json.Encoder().encode
_given = msgspec.json.Decoder(TokenGiven).decode

StepRequest = CaptureRequest | ReleaseRequest | ExtendRequest | RefundRequest


class TokenView(Struct, frozen=True, gc=False):
    """A redemption token, to be handed to the partner; it is told only now and on a retry with the same key."""

    token: str
    partner: str
    points: int
    expires_at: datetime


# --- Consent ----------------------------------------------------------------------------------------------------------


async def mint_token(
    service: Service, target: Target, request: TokenRequest, caller: Caller, key: Key
) -> Answer:
    """Make a token by which a partner may spend points of a member, once; raise Problem when it is refused."""
    partner = (await service.refresh_catalogue()).partner(request.partner)
    if partner is None:
        raise Problem("unknown_partner", f"There is no partner {request.partner}.", at="/partner")
    if partner.one.status == "suspended":
        raise Problem("partner_suspended", at="/partner")
    found = await service.find_member(target if isinstance(target, str) else "mem_" + target.bytes.hex())
    if found is None:
        raise Problem("unknown_member")
    member, now = found.member, service.clock.now()
    text = f"rtk_{service.secret(key, _PURPOSE)[:20].hex()}{member.shard:04x}"
    token = Token(
        _hash(text), member.member_id, request.partner, request.points, now, caller.name,
        now + timedelta(minutes=request.minutes),
    )  # fmt: skip
    answer = await service.submit(MintToken(member.member_id, token, caller, key))
    if answer.status != HTTPStatus.CREATED:
        return answer  # a refusal that was given before
    kept = _given(answer.body)
    body = _encode(TokenView(text, kept.partner, kept.points, kept.expires_at))
    return structs.replace(answer, body=body)


def _hash(text: str) -> bytes:
    return sha256(text.encode()).digest()


# --- Steps ------------------------------------------------------------------------------------------------------------


async def redeem(service: Service, request: RedemptionRequest, caller: Caller, key: Key) -> Answer:
    """Hold points for an offer, or take them at once; raise Problem when it is refused."""
    target, token = await _target(service, request, caller)
    return await service.submit(Hold(target, request, caller, key, token))


async def _target(
    service: Service, request: RedemptionRequest, caller: Caller
) -> tuple[Target, bytes | None]:
    """Return for whom is redeemed: a partner says it by a token, everybody else by name."""
    if not caller.partner:
        if request.token is not None:
            raise Problem("invalid_value", "Only a partner redeems by a token: name the member.", at="/token")
        target = None if request.member is None else service.target(request.member)
        if target is None:
            raise Problem("unknown_member", at="/member")
        return target, None
    if request.member is not None:
        raise Problem("invalid_value", "A partner names no member: the token does.", at="/member")
    text = _TOKEN.fullmatch(request.token or "")
    if text is None:
        raise Problem("invalid_token", "A partner redeems by a token of the member.", at="/token")
    shard, digest = int(text[1], 16), _hash(text[0])
    member_id = None
    if shard < service.poster.shards:
        member_id = await asyncio.shield(service.tokens.get((shard, digest)))
    if member_id is None:
        raise Problem("invalid_token", at="/token")
    return member_id, digest


async def step(service: Service, redemption: str, request: StepRequest, caller: Caller, key: Key) -> Answer:
    """Capture, release, extend or refund a redemption; raise Problem when it is refused."""
    which = _id(service, redemption)
    owner = None if which is None else await asyncio.shield(service.owners.get(which))
    if which is None or owner is None or not _may_know(caller, owner.partner):
        raise _unknown(redemption)
    whose = owner.member_id
    if isinstance(request, CaptureRequest):
        return await service.submit(Capture(whose, which, request, caller, key))
    if isinstance(request, ReleaseRequest):
        return await service.submit(Release(whose, which, request, caller, key))
    if isinstance(request, ExtendRequest):
        return await service.submit(Extend(whose, which, request, caller, key))
    return await service.submit(Refund(whose, which, request, caller, key))


async def expire_holds(service: Service) -> int:
    """Look once at each hold whose time is up, page by page, and expire it; return how many were looked at.

    What is done isn't due any more, so that a run that is broken off goes on where it was. What couldn't be done is
    left to the next run; those behind it don't wait for it.
    """
    looked_at, now = 0, service.clock.now()
    for shard in range(service.poster.shards):
        after = _FIRST
        while page := await redeeming_store.find_due_holds(service.pool, shard, now, after, PAGE):
            await go_through(page, partial(_expire, service), lambda one: show("red", one.redemption_id))
            looked_at += len(page)
            after = page[-1]
    return looked_at


async def _expire(service: Service, one: DueHold) -> None:
    await service.submit(ExpireHold(one.member_id, one.redemption_id))


# --- What there is to look at -----------------------------------------------------------------------------------------


async def find(service: Service, redemption: str, caller: Caller) -> Redemption:
    """Return a redemption that a caller may know of; raise Problem when there is none."""
    which = _id(service, redemption)
    one = None if which is None else await asyncio.shield(service.redemptions.get(which))
    if one is None or not _may_know(caller, one.partner):
        raise _unknown(redemption)
    return one


def _id(service: Service, redemption: str) -> UUID | None:
    """Return the id of a redemption as it is told; None when there can't be one."""
    which = parse("red", redemption)
    return which if which is not None and shard_of(which) < service.poster.shards else None


def _may_know(caller: Caller, partner: str) -> bool:
    """Tell whether a caller may know of redemptions with a partner."""
    return caller.partner in {"", partner}


def _unknown(redemption: str) -> Problem:
    return Problem("unknown_redemption", f"There is no redemption {redemption}.")


async def look(service: Service, ones: Sequence[Redemption], caller: Caller) -> list[RedemptionView]:
    """Return redemptions as a caller sees them."""
    catalogue = service.catalogue
    if any(catalogue.listing(one.offer, one.offer_version) is None for one in ones):
        catalogue = await service.refresh_catalogue()
    shown: list[RedemptionView] = []
    for one in ones:
        listing = catalogue.listing(one.offer, one.offer_version)
        assert listing is not None, "an offer that was redeemed is on file"
        shown.append(view(one, listing, caller))
    return shown


async def page(
    service: Service,
    accounts: Sequence[UUID] | None,
    partner: str | None,
    status: str | None,
    before: UUID,
    limit: int,
) -> list[Redemption]:
    """Return a page of redemptions by a member's accounts, or of a partner, before one, newest first."""
    if accounts is not None:
        return await redeeming_store.list_of_member(service.pool, accounts, before, partner, status, limit)
    assert partner is not None, "redemptions are asked for by member or partner"
    return await redeeming_store.list_of_partner(service.pool, partner, before, status, limit)


async def referenced(service: Service, partner: str, reference: str) -> Redemption | None:
    """Return the redemption that has a partner's reference; None when there is none."""
    which = await redeeming_store.find_reference(service.pool, partner, reference)
    return None if which is None else await asyncio.shield(service.redemptions.get(which))
