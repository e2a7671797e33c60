"""`/v1/members/{id}/rewards`, `…/benefits`, `/v1/rewards`: what milestones and tiers bring, and its use."""

import base64
import re
from typing import Annotated, Final, Literal

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from loyalty import ids, rewarding
from loyalty.commands.benefit import BenefitReply, ReturnRequest, UseRequest
from loyalty.commands.choose import ChooseReply, ChooseRequest
from loyalty.commands.redeeming import refuse_caller
from loyalty.commands.rewarding import RewardView
from loyalty.commands.use import Occasion, UseReply
from loyalty.errors import Problem
from loyalty.http.answers import answered
from loyalty.http.auth import Principal, require_property
from loyalty.http.problems import problem_responses
from loyalty.http.redemptions import caller_of
from loyalty.http.requests import ApiRequest, bad_parameter, key_of, member_of, service_of
from loyalty.ids import UUID
from loyalty.ledger.model import Member

_LAST: Final = UUID(b"\xff" * 16)
_CURSOR: Final = re.compile(rb"r([0-9a-f]{32})")
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")

Status = Literal["open", "issued", "used", "expired", "revoked", "flagged"]


class RewardList(Struct, frozen=True):
    """A page of a member's rewards, newest first."""

    rewards: list[RewardView]
    next_cursor: str | None


class FlaggedReward(Struct, frozen=True):
    """A reward that was used before its milestone was lost, and whose it is."""

    member_id: str
    number: str
    reward: RewardView


class FlaggedList(Struct, frozen=True):
    """A page of flagged rewards, newest first."""

    rewards: list[FlaggedReward]
    next_cursor: str | None


@get("/v1/members/{member_id:str}/rewards", tags=["Rewards"], responses=problem_responses("unknown_member"))
async def list_rewards(
    member_id: FromPath[str], request: ApiRequest, status: FromQuery[Status | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50, cursor: FromQuery[str | None] = None,
) -> RewardList:  # fmt: skip
    """Return what milestones have given a member, newest first: choices to make, what can be used, what was."""
    service, before = service_of(request), _read_cursor(cursor)
    found = await member_of(request, member_id)
    page = await rewarding.page(service, found.member, before, [status] if status else None, limit + 1)
    more = page[limit - 1].reward_id if len(page) > limit else None
    return RewardList([one.shown for one in page[:limit]], _write_cursor(more))


@get("/v1/rewards", tags=["Rewards"])
async def list_flagged(
    request: ApiRequest, status: FromQuery[Literal["flagged"]] = "flagged",
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50, cursor: FromQuery[str | None] = None,
) -> FlaggedList:  # fmt: skip
    """Return rewards of all members that were used before their milestone was lost, for the staff to look at."""
    del status
    page = await rewarding.flagged(service_of(request), _read_cursor(cursor), limit + 1)
    more = page[limit - 1].reward_id if len(page) > limit else None
    shown = [FlaggedReward(ids.show("mem", one.member_id), one.number, one.shown) for one in page[:limit]]
    return FlaggedList(shown, _write_cursor(more))


@post(
    "/v1/members/{member_id:str}/rewards/{reward_id:str}/choose", tags=["Rewards"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_member", "unknown_reward", "reward_not_open", "choice_over",
        "idempotency_key_reused", "member_closed", "invalid_value",
    ),
)  # fmt: skip
async def choose_reward(
    member_id: FromPath[str], reward_id: FromPath[str], data: JSONBody[ChooseRequest], request: ApiRequest
) -> Response[ChooseReply]:
    """Choose a reward, as many as there are to pick, once. Needs a header `Idempotency-Key`."""
    key = await key_of(request)
    whose, which = await _named(request, member_id, reward_id)
    return answered(await rewarding.choose(service_of(request), whose, which, data, request.user.name, key))


@post(
    "/v1/members/{member_id:str}/rewards/{reward_id:str}/use", tags=["Rewards"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_property", "own_redemption", "unknown_member", "unknown_reward",
        "reward_not_usable", "reward_expired", "idempotency_key_reused", "member_closed", "unknown_property",
    ),
)  # fmt: skip
async def use_reward(
    member_id: FromPath[str], reward_id: FromPath[str], data: JSONBody[Occasion], request: ApiRequest
) -> Response[UseReply]:
    """Use a voucher or a benefit that a milestone gave, once. Needs a header `Idempotency-Key`.

    Nobody of the staff uses an own one.
    """
    _require_occasion(request.user, data)
    key = await key_of(request)
    whose, which = await _named(request, member_id, reward_id, refuse_own=True)
    return answered(await rewarding.use(service_of(request), whose, which, data, request.user.name, key))


@post(
    "/v1/members/{member_id:str}/benefits/{benefit:str}/use", tags=["Rewards"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_property", "own_redemption", "unknown_member", "unknown_benefit",
        "benefit_used_up", "idempotency_key_reused", "member_closed", "unknown_property",
    ),
)  # fmt: skip
async def use_benefit(
    member_id: FromPath[str], benefit: FromPath[str], data: JSONBody[UseRequest], request: ApiRequest
) -> Response[BenefitReply]:
    """Use what the member's tier brings so many times a year. Needs a header `Idempotency-Key`.

    Nobody of the staff uses an own one.
    """
    _require_occasion(request.user, data)
    key = await key_of(request)
    one = (await _served(request, member_id)).member_id
    return answered(
        await rewarding.use_benefit(service_of(request), one, _benefit(benefit), data, request.user.name, key)
    )


@post(
    "/v1/members/{member_id:str}/benefits/{benefit:str}/return", tags=["Rewards"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_property", "own_redemption", "unknown_member", "unknown_benefit",
        "benefit_not_used", "idempotency_key_reused", "member_closed", "unknown_property", "invalid_value",
    ),
)  # fmt: skip
async def return_benefit(
    member_id: FromPath[str], benefit: FromPath[str], data: JSONBody[ReturnRequest], request: ApiRequest
) -> Response[BenefitReply]:
    """Give back a use that didn't come to pass. Needs a header `Idempotency-Key`."""
    _require_occasion(request.user, data)
    key = await key_of(request)
    one = (await _served(request, member_id)).member_id
    return answered(
        await rewarding.return_benefit(
            service_of(request), one, _benefit(benefit), data, request.user.name, key
        )
    )


async def _named(
    request: ApiRequest, member: str, reward: str, *, refuse_own: bool = False
) -> tuple[UUID, UUID]:
    """Return the ids of the member and the reward that a path names; raise Problem."""
    found = await _served(request, member) if refuse_own else (await member_of(request, member)).member
    reward_id = ids.parse("rwd", reward)
    if reward_id is None or ids.shard_of(reward_id) != found.shard:
        raise Problem("unknown_reward")
    return found.member_id, reward_id


async def _served(request: ApiRequest, member: str) -> Member:
    """Return the member that a path names; raise Problem, also when it is the one who holds the key."""
    found = (await member_of(request, member)).member
    refusal = refuse_caller(found, await caller_of(request))
    if refusal is not None:
        raise refusal
    return found


def _benefit(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise Problem("unknown_benefit")
    return code


def _require_occasion(principal: Principal, occasion: Occasion) -> None:
    """Refuse a key that is limited to some properties, unless one of them is named."""
    if principal.properties:
        require_property(principal, occasion.property or "")


def _write_cursor(last: UUID | None) -> str | None:
    if last is None:
        return None
    return base64.urlsafe_b64encode(b"r" + last.bytes.hex().encode()).decode().rstrip("=")


def _read_cursor(cursor: str | None) -> UUID:
    if cursor is None:
        return _LAST
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        found = None
    if found is None:
        raise bad_parameter("cursor", "Not a cursor of ours: take it from next_cursor.")
    return UUID(bytes.fromhex(found[1].decode()))
