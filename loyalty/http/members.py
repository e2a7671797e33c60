"""`/v1/members`: enrol members and find them."""

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import structs

from loyalty.http.answers import answered
from loyalty.http.auth import Role
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, member_of, service_of
from loyalty.ids import show
from loyalty.members.model import EnrolRequest, MemberView
from loyalty.service import Found


@post(
    "/v1/members", tags=["Members"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_member", "number_taken", "idempotency_key_reused", "invalid_value"
    ),
)  # fmt: skip
async def enrol(data: JSONBody[EnrolRequest], request: ApiRequest) -> Response[MemberView]:
    """Enrol a member. Needs a header `Idempotency-Key`: the same key again gives the same member."""
    answer = await service_of(request).enrol(data, request.user.name, await key_of(request))
    return answered(answer)


@get("/v1/members", tags=["Members"], responses=problem_responses("unknown_member"))
async def find_member(number: FromQuery[str], request: ApiRequest) -> MemberView:
    """Find a member by number."""
    return await _show(request, await member_of(request, number))


@get("/v1/members/{member_id:str}", tags=["Members"], responses=problem_responses("unknown_member"))
async def get_member(member_id: FromPath[str], request: ApiRequest) -> MemberView:
    """Return a member, by id or number. What identifies the person is shown to booking sites and operators."""
    return await _show(request, await member_of(request, member_id))


async def _show(request: ApiRequest, found: Found) -> MemberView:
    member = found.member
    view = MemberView(show("mem", member.member_id), member.number, member.status, member.enrolled_on)
    if request.user.role is Role.PROPERTY:
        return view
    return structs.replace(view, profile=await service_of(request).profile(member))
