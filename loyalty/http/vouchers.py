"""`/v1/vouchers`, `/v1/members/{id}/vouchers`: what a code stands for, as text and picture, and its use."""

import base64
import io
import re
from typing import Annotated, Final, Literal

import segno
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from loyalty import vouchering
from loyalty.commands.model import Answer
from loyalty.commands.redeem_voucher import RedeemVoucherRequest
from loyalty.commands.revoke_voucher import RevokeVoucherRequest
from loyalty.commands.vouching import VoucherReply, VoucherView
from loyalty.errors import Problem
from loyalty.http.answers import Ready, answered
from loyalty.http.auth import Role, require_partner, require_property
from loyalty.http.problems import problem_responses
from loyalty.http.redemptions import caller_of
from loyalty.http.requests import ApiRequest, bad_parameter, key_of, member_of, service_of
from loyalty.ids import UUID
from loyalty.partners.model import HOTEL
from loyalty.stays.model import MemberKey
from loyalty.vouchers.model import Voucher

_LAST: Final = UUID(b"\xff" * 16)
_CURSOR: Final = re.compile(rb"v([0-9a-f]{32})")
_SVG: Final = "image/svg+xml"
_INSIDE: Final = frozenset({Role.BOOKING, Role.OPERATOR})
"""Who sees whose a voucher is, and the codes of a member's vouchers."""

Status = Literal["issued", "redeemed", "expired", "revoked"]


class VoucherList(Struct, frozen=True):
    """A page of a member's vouchers, newest first."""

    vouchers: list[VoucherView]
    next_cursor: str | None


class HandOverRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """The member (number or id) that it goes to; left out, it goes to whoever is told the new code."""

    member: MemberKey | None = None


@get(
    "/v1/vouchers/{code:str}",
    tags=["Vouchers"],
    responses=problem_responses("forbidden_partner", "unknown_voucher"),
)
async def get_voucher(code: FromPath[str], request: ApiRequest) -> VoucherView:
    """Return what a code stands for, and whether it can still be used. Case, blanks and dashes don't matter.

    A partner's key sees vouchers of its own offers.
    """
    one = await _found(request, code)
    service = service_of(request)
    await service.refresh_catalogue()
    return vouchering.present(service, one, code=True, member=request.user.role in _INSIDE)


@get(
    "/v1/vouchers/{code:str}/qr", tags=["Vouchers"], media_type=_SVG,
    responses=problem_responses("forbidden_partner", "unknown_voucher"),
)  # fmt: skip
async def get_voucher_qr(code: FromPath[str], request: ApiRequest) -> Response[str]:
    """Return the code as a QR picture (SVG), to be printed or shown on a screen and scanned."""
    one = await _found(request, code)
    made = segno.make_qr(vouchering.plain_code(service_of(request), one), error="m")
    picture = io.BytesIO()
    made.save(picture, kind="svg", scale=8, unit="px", xmldecl=False)
    return Ready(picture.getvalue(), media_type=_SVG, headers={"Cache-Control": "no-store"})


@post(
    "/v1/vouchers/{code:str}/redeem", tags=["Vouchers"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_partner", "forbidden_property", "own_redemption", "unknown_voucher",
        "voucher_redeemed", "voucher_revoked", "voucher_expired", "idempotency_key_reused", "unknown_property",
    ),
)  # fmt: skip
async def redeem_voucher(
    code: FromPath[str], data: JSONBody[RedeemVoucherRequest], request: ApiRequest
) -> Response[VoucherReply]:
    """Redeem a voucher: once, in its time, however many try. Needs a header `Idempotency-Key`.

    A partner redeems vouchers of its own offers, a hotel those of the hotel group, nobody of the staff an own one.
    """
    if request.user.properties:
        require_property(request.user, data.property or "")
    key = await key_of(request)
    one = await vouchering.named(service_of(request), code, key)
    if isinstance(one, Answer):
        return answered(one)
    require_partner(request.user, one.partner)
    if request.user.role == Role.PROPERTY and one.partner != HOTEL:
        raise Problem("forbidden_partner", f"It is for {one.partner} to redeem.")
    return answered(await vouchering.redeem(service_of(request), one, data, await caller_of(request), key))


@post(
    "/v1/vouchers/{code:str}/revoke", tags=["Vouchers"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_voucher", "voucher_redeemed", "voucher_revoked", "voucher_expired",
        "idempotency_key_reused",
    ),
)  # fmt: skip
async def revoke_voucher(
    code: FromPath[str], data: JSONBody[RevokeVoucherRequest], request: ApiRequest
) -> Response[VoucherReply]:
    """Revoke a voucher, with a reason. Points aren't given back by it. Needs a header `Idempotency-Key`."""
    key = await key_of(request)
    one = await vouchering.named(service_of(request), code, key)
    if isinstance(one, Answer):
        return answered(one)
    return answered(await vouchering.revoke(service_of(request), one, data, request.user.name, key))


@post(
    "/v1/vouchers/{code:str}/hand-over", tags=["Vouchers"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_voucher", "unknown_member", "voucher_redeemed", "voucher_revoked",
        "voucher_expired", "idempotency_key_reused", "member_closed", "not_transferable", "same_member",
    ),
)  # fmt: skip
async def hand_over_voucher(
    code: FromPath[str], data: JSONBody[HandOverRequest], request: ApiRequest
) -> Response[VoucherReply]:
    """Give a voucher to somebody else, where its offer allows: the answer has its new code, the old one is void.

    Needs a header `Idempotency-Key`.
    """
    service, key = service_of(request), await key_of(request)
    one = await vouchering.named(service, code, key)
    if isinstance(one, Answer):
        return answered(vouchering.with_code(service, one))
    return answered(await vouchering.hand_over(service, one, data.member, request.user.name, key))


@get("/v1/members/{member_id:str}/vouchers", tags=["Vouchers"], responses=problem_responses("unknown_member"))
async def list_vouchers(
    member_id: FromPath[str], request: ApiRequest, status: FromQuery[Status | None] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50, cursor: FromQuery[str | None] = None,
) -> VoucherList:  # fmt: skip
    """Return a member's vouchers, newest first, with those that others have handed over to the member.

    Codes are shown to booking sites and operators, but for vouchers that the member has given away: those the operator
    alone sees.
    """
    service, before, role = service_of(request), _read_cursor(cursor), request.user.role
    found = await member_of(request, member_id)
    page = await vouchering.page(service, found.member, before, [status] if status else None, limit + 1)
    more = page[limit - 1].voucher.voucher_id if len(page) > limit else None
    await service.refresh_catalogue()
    shown = [
        vouchering.present(
            service, one.voucher, member=role in _INSIDE,
            code=role == Role.OPERATOR or (role == Role.BOOKING and one.mine),
        ) for one in page[:limit]
    ]  # fmt: skip
    return VoucherList(shown, _write_cursor(more))


async def _found(request: ApiRequest, code: str) -> Voucher:
    """Return the voucher of a code, if the caller may see it; raise Problem."""
    one = await vouchering.find(service_of(request), code)
    require_partner(request.user, one.partner)
    return one


def _write_cursor(last: UUID | None) -> str | None:
    if last is None:
        return None
    return base64.urlsafe_b64encode(b"v" + last.bytes.hex().encode()).decode().rstrip("=")


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
