"""`/v1/compensations`: points after a complaint; `/v1/approvals`: what waits for a second person."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct

from loyalty import ids, moving
from loyalty.commands.approve import ApprovalView, Verdict, view
from loyalty.commands.compensate import CompensationReply, CompensationRequest
from loyalty.errors import Problem
from loyalty.http.answers import answered
from loyalty.http.auth import require_property
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, bad_parameter, key_of, person_of, service_of
from loyalty.ids import UUID
from loyalty.stays.model import StayPosting

_FIRST = UUID(bytes(16))
_posting = msgspec.json.Decoder(StayPosting).decode
_DECIDED = problem_responses(
    "own_proposal",
    "unknown_approval",
    "already_decided",
    "wrong_statement_status",
    "already_resolved",
    "member_closed",
    "limit_reached",
)


class ApprovalList(Struct, frozen=True):
    """A page of proposals, oldest first."""

    approvals: list[ApprovalView]
    next_cursor: str | None


@post(
    "/v1/compensations", tags=["Compensation"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "forbidden_property", "own_account", "unknown_member", "unknown_stay",
        "idempotency_key_reused", "member_closed", "not_offered", "invalid_value", "limit_reached",
    ),
)  # fmt: skip
async def compensate(data: JSONBody[CompensationRequest], request: ApiRequest) -> Response[CompensationReply]:
    """Give points after a complaint; above the program's limit they are proposed, and answered 202.

    Needs a header `Idempotency-Key`. A key that is limited to hotels has to name a stay at one of them. Nobody of
    the staff compensates or proposes to for an own account.
    """
    await _may_act_for(request, data.stay_id)
    key, person = await key_of(request), await person_of(request)
    return answered(await moving.compensate(service_of(request), data, request.user.name, key, person))


@get("/v1/approvals", tags=["Compensation"])
async def list_approvals(
    request: ApiRequest, status: FromQuery[Literal["open", "approved", "rejected"]] = "open",
    limit: Annotated[int, QueryParameter(ge=1, le=500)] = 50, cursor: FromQuery[str | None] = None,
) -> ApprovalList:  # fmt: skip
    """Return what was proposed, oldest first: what is open, or what was approved or rejected."""
    after = _FIRST if cursor is None else ids.parse("apr", cursor)
    if after is None:
        raise bad_parameter("cursor", "Not a cursor of ours: take it from next_cursor.")
    found = [view(one) for one in await moving.approvals(service_of(request), status, after, limit + 1)]
    return ApprovalList(found[:limit], found[limit - 1].approval_id if len(found) > limit else None)


@post("/v1/approvals/{approval_id:str}/approve", tags=["Compensation"], status_code=200, responses=_DECIDED)
async def approve(approval_id: FromPath[str], request: ApiRequest) -> Response[ApprovalView]:
    """Approve what another key has proposed. Once it is decided, the same again is answered the same."""
    return await _decide(approval_id, "approved", request)


@post("/v1/approvals/{approval_id:str}/reject", tags=["Compensation"], status_code=200, responses=_DECIDED)
async def reject(approval_id: FromPath[str], request: ApiRequest) -> Response[ApprovalView]:
    """Reject what another key has proposed. Once it is decided, the same again is answered the same."""
    return await _decide(approval_id, "rejected", request)


async def _decide(key: str, verdict: Verdict, request: ApiRequest) -> Response[ApprovalView]:
    approval_id, user = ids.parse("apr", key), request.user
    if approval_id is None:
        raise Problem("unknown_approval")
    return answered(
        await moving.approve(service_of(request), approval_id, verdict, user.key_id, user.name, user.member)
    )


async def _may_act_for(request: ApiRequest, stay: str | None) -> None:
    """Refuse a key that is limited to hotels, unless it names a stay at one of them."""
    if not request.user.properties:
        return
    stay_id = ids.parse("sty", stay) if stay else None
    revisions = await service_of(request).read_stay(stay_id) if stay_id else []
    if not revisions:
        raise Problem(
            "forbidden_property", "This key has to name a stay at one of its hotels.", at="/stay_id"
        )
    require_property(request.user, _posting(revisions[0].snapshot).property, "/stay_id")
