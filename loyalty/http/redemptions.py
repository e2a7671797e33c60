"""`/v1/redemptions`: points held, captured and given back; and the tokens by which a partner may ask for it."""

import base64
import re
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from loyalty import redeeming
from loyalty.commands.capture import CaptureRequest
from loyalty.commands.extend import ExtendRequest
from loyalty.commands.hold import RedemptionRequest
from loyalty.commands.mint_token import TokenRequest
from loyalty.commands.model import accounts_of
from loyalty.commands.redeeming import Caller, RedemptionView
from loyalty.commands.refund import RefundRequest
from loyalty.commands.release import ReleaseRequest
from loyalty.errors import Problem
from loyalty.http.answers import Ready, answered
from loyalty.http.auth import Principal, Role, require_partner
from loyalty.http.problems import problem_responses
from loyalty.http.requests import (
    ApiRequest,
    bad_parameter,
    key_of,
    member_of,
    person_of,
    service_of,
    target_of,
)
from loyalty.ids import UUID
from loyalty.partners.redemption import Redemption, RedemptionStatus
from loyalty.redeeming import TokenView

_LAST: Final = UUID(b"\xff" * 16)
_CURSOR: Final = re.compile(rb"d([0-9a-f]{32})")
_PARTNER: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_REFERENCE: Final = re.compile(r"[!-~]([ -~]{0,62}[!-~])?")

_encode: Final = msgspec.json.Encoder().encode


class RedemptionList(Struct, frozen=True):
    """A page of redemptions, newest first."""

    redemptions: list[RedemptionView]
    next_cursor: str | None


async def caller_of(request: ApiRequest) -> Caller:
    """Return who acts, as commands know it."""
    user = request.user
    return Caller(user.name, user.partner, user.role == Role.OPERATOR, await person_of(request))


@post(
    "/v1/members/{member_id:str}/redemption-tokens", tags=["Redemptions"],
    responses=problem_responses(
        "idempotency_key_missing", "own_redemption", "unknown_member", "unknown_partner", "idempotency_key_reused",
        "member_closed", "partner_suspended",
    ),
)  # fmt: skip
async def mint_token(
    member_id: FromPath[str], data: JSONBody[TokenRequest], request: ApiRequest
) -> Response[TokenView]:
    """Let a partner spend points of the member who is signed in: once, up to so many, within minutes.

    The partner is given the token and redeems by it. Needs a header `Idempotency-Key`.
    """
    key = await key_of(request)
    target = target_of(request, member_id)
    return answered(
        await redeeming.mint_token(service_of(request), target, data, await caller_of(request), key)
    )


@post(
    "/v1/redemptions", tags=["Redemptions"],
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_partner", "own_redemption", "token_of_another_partner", "unknown_member",
        "unknown_offer", "reference_taken", "idempotency_key_reused", "reason_missing", "invalid_token",
        "token_expired", "token_used", "token_of_merged_account", "token_too_small", "price_changed", "invalid_value",
        "member_closed", "partner_suspended", "offer_suspended", "offer_not_open", "offer_expired", "wrong_tier",
        "wrong_segment", "no_price", "limit_reached", "sold_out", "insufficient_points", "invalid_details",
        "unknown_cabin", "unknown_slot", "slot_in_past",
    ),
)  # fmt: skip
async def redeem(data: JSONBody[RedemptionRequest], request: ApiRequest) -> Response[RedemptionView]:
    """Hold the points of an offer until they are captured or given back; or take them at once with `capture`.

    Needs a header `Idempotency-Key`.
    """
    key = await key_of(request)
    return answered(await redeeming.redeem(service_of(request), data, await caller_of(request), key))


@get(
    "/v1/redemptions/{redemption_id:str}",
    tags=["Redemptions"],
    responses=problem_responses("unknown_redemption"),
)
async def get_redemption(redemption_id: FromPath[str], request: ApiRequest) -> Response[RedemptionView]:
    """Return a redemption as it is. A partner's key sees its own."""
    service, caller = service_of(request), await caller_of(request)
    one = await redeeming.find(service, redemption_id, caller)
    [shown] = await redeeming.look(service, [one], caller)
    return Ready(_encode(shown))


@get(
    "/v1/redemptions", tags=["Redemptions"],
    responses=problem_responses("forbidden_role", "forbidden_partner", "unknown_member", "invalid_parameter"),
)  # fmt: skip
async def list_redemptions(
    request: ApiRequest,
    member: FromQuery[str | None] = None,
    partner: FromQuery[str | None] = None,
    status: FromQuery[RedemptionStatus | None] = None,
    reference: Annotated[str | None, QueryParameter(description="The partner's own name for it.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50,
    cursor: FromQuery[str | None] = None,
) -> RedemptionList:
    """List redemptions of a member or of a partner (`hotel`: of the hotel's own offers), newest first.

    A member's are also those of accounts that were merged into it; each names the account that it is of. With a
    `reference`, the one that the partner knows by it. A partner's key sees its own, and names no member.
    """
    service, user, before = service_of(request), request.user, _read_cursor(cursor)
    partner = _partner(user, partner)
    if member is not None and user.role == Role.PARTNER:
        raise Problem("forbidden_role", "A partner's key can't ask about members.")
    whose = None if member is None else accounts_of((await member_of(request, member)).member)
    if reference is not None:
        found = await _referenced(request, partner, reference)
        if found is None or status not in {None, found.status} or not _is_of(found, whose):
            return RedemptionList([], None)
        return RedemptionList(await redeeming.look(service, [found], await caller_of(request)), None)
    if whose is None and partner is None:
        raise bad_parameter("member", "Say whose: of which member, or of which partner.")
    page = await redeeming.page(service, whose, partner, status, before, limit + 1)
    more = page[limit - 1].redemption_id if len(page) > limit else None
    return RedemptionList(
        await redeeming.look(service, page[:limit], await caller_of(request)), _write_cursor(more)
    )


_STEP: Final = (
    "idempotency_key_missing", "own_redemption", "unknown_redemption", "idempotency_key_reused",
)  # fmt: skip
_HELD: Final = (*_STEP, "redemption_not_held", "hold_expired")


@post(
    "/v1/redemptions/{redemption_id:str}/capture", tags=["Redemptions"], status_code=200,
    responses=problem_responses(*_HELD, "capture_above_hold"),
)  # fmt: skip
async def capture(
    redemption_id: FromPath[str], data: JSONBody[CaptureRequest], request: ApiRequest
) -> Response[RedemptionView]:
    """Take what is held, all of it or so many; the rest goes back at once. Needs a header `Idempotency-Key`."""
    return await _step(request, redemption_id, data)


@post(
    "/v1/redemptions/{redemption_id:str}/release", tags=["Redemptions"], status_code=200,
    responses=problem_responses(*_HELD),
)  # fmt: skip
async def release(
    redemption_id: FromPath[str], data: JSONBody[ReleaseRequest], request: ApiRequest
) -> Response[RedemptionView]:
    """Give back what is held. Needs a header `Idempotency-Key`."""
    return await _step(request, redemption_id, data)


@post(
    "/v1/redemptions/{redemption_id:str}/extend", tags=["Redemptions"], status_code=200,
    responses=problem_responses(*_HELD, "invalid_value"),
)  # fmt: skip
async def extend(
    redemption_id: FromPath[str], data: JSONBody[ExtendRequest], request: ApiRequest
) -> Response[RedemptionView]:
    """Hold for longer, as the offer allows from now on or until an instant. Needs a header `Idempotency-Key`."""
    return await _step(request, redemption_id, data)


@post(
    "/v1/redemptions/{redemption_id:str}/refund", tags=["Redemptions"], status_code=200,
    responses=problem_responses(
        *_STEP, "redemption_not_captured", "voucher_used", "reason_missing", "refund_above_capture", "not_refundable",
        "refund_over",
    ),
)  # fmt: skip
async def refund(
    redemption_id: FromPath[str], data: JSONBody[RefundRequest], request: ApiRequest
) -> Response[RedemptionView]:
    """Give back what was captured, all that is left of it or so many, for a reason.

    Needs a header `Idempotency-Key`. An operator may refund what the offer doesn't allow.
    """
    return await _step(request, redemption_id, data)


async def _step(request: ApiRequest, redemption: str, data: redeeming.StepRequest) -> Ready:
    key = await key_of(request)
    return answered(
        await redeeming.step(service_of(request), redemption, data, await caller_of(request), key)
    )


def _partner(user: Principal, asked: str | None) -> str | None:
    """Return the partner whose redemptions are asked for."""
    if asked is not None:
        require_partner(user, asked)
        if not _PARTNER.fullmatch(asked):
            raise bad_parameter("partner", "Not the code of a partner.")
    return user.partner or asked


async def _referenced(request: ApiRequest, partner: str | None, reference: str) -> Redemption | None:
    if partner is None:
        raise bad_parameter("reference", "Say of which partner.")
    if not _REFERENCE.fullmatch(reference):
        raise bad_parameter("reference", "Not a reference.")
    return await redeeming.referenced(service_of(request), partner, reference)


def _is_of(one: Redemption, accounts: Sequence[UUID] | None) -> bool:
    """Tell whether a redemption is by one of a member's accounts, if a member is asked for."""
    return accounts is None or one.member_id in accounts


def _write_cursor(last: UUID | None) -> str | None:
    if last is None:
        return None
    return base64.urlsafe_b64encode(b"d" + last.bytes.hex().encode()).decode().rstrip("=")


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
