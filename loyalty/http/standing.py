"""`/v1/members/{id}/statuses`, `…/segments`, `…/promotions`: what a member is besides what the books say."""

from litestar import Response, delete, post, put
from litestar.params import FromPath, JSONBody

from loyalty.commands.end_status import EndStatus
from loyalty.commands.give_status import GiveStatus, StatusKind, StatusReply, StatusRequest
from loyalty.commands.register import Register, RegistrationReply
from loyalty.commands.set_segments import SegmentsReply, SegmentsRequest, SetSegments
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of, target_of


@post(
    "/v1/members/{member_id:str}/statuses", tags=["Standing"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "own_account", "unknown_member", "idempotency_key_reused", "member_closed",
        "invalid_value", "limit_reached",
    ),
)  # fmt: skip
async def give_status(
    member_id: FromPath[str], data: JSONBody[StatusRequest], request: ApiRequest
) -> Response[StatusReply]:
    """Give a member a tier that wasn't earned. Needs a header `Idempotency-Key`.

    Nobody of the staff gives one to an own account.
    """
    target, key = target_of(request, member_id), await key_of(request)
    command = GiveStatus(target, data, request.user.name, key, await person_of(request))
    return answered(await service_of(request).submit(command))


@delete(
    "/v1/members/{member_id:str}/statuses/{tier:str}/{kind:str}", tags=["Standing"], status_code=200,
    responses=problem_responses("unknown_member", "unknown_status"),
)  # fmt: skip
async def end_status(
    member_id: FromPath[str], tier: FromPath[str], kind: FromPath[StatusKind], request: ApiRequest
) -> Response[StatusReply]:
    """End all statuses of a tier and a kind: from today on they don't hold."""
    command = EndStatus(target_of(request, member_id), tier, kind, request.user.name)
    return answered(await service_of(request).submit(command))


@put(
    "/v1/members/{member_id:str}/segments", tags=["Standing"], status_code=200,
    responses=problem_responses("unknown_member", "member_closed"),
)  # fmt: skip
async def set_segments(
    member_id: FromPath[str], data: JSONBody[SegmentsRequest], request: ApiRequest
) -> Response[SegmentsReply]:
    """Say to which segments a member belongs. The same again changes nothing."""
    command = SetSegments(target_of(request, member_id), data, request.user.name)
    return answered(await service_of(request).submit(command))


@post(
    "/v1/members/{member_id:str}/promotions/{code:str}", tags=["Standing"], status_code=201,
    responses=problem_responses("unknown_member", "unknown_promotion", "member_closed", "promotion_over"),
)  # fmt: skip
async def register(
    member_id: FromPath[str], code: FromPath[str], request: ApiRequest
) -> Response[RegistrationReply]:
    """Register a member for a promotion that asks for it. A second time changes nothing, and is answered 200."""
    command = Register(target_of(request, member_id), code, request.user.name)
    return answered(await service_of(request).submit(command))
