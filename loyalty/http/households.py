"""`/v1/households`: members who pool their points."""

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody

from loyalty import ids, moving
from loyalty.commands.found_household import HouseholdRequest
from loyalty.commands.household import HouseholdView
from loyalty.commands.join_household import ConsentRequest
from loyalty.errors import Problem
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, member_of, service_of
from loyalty.ids import UUID


@post(
    "/v1/households", tags=["Households"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_member", "already_in_household", "idempotency_key_reused", "not_offered",
        "member_closed", "account_too_young",
    ),
)  # fmt: skip
async def found_household(data: JSONBody[HouseholdRequest], request: ApiRequest) -> Response[HouseholdView]:
    """Found a household with a member as its head. Needs a header `Idempotency-Key`."""
    key = await key_of(request)
    return answered(await moving.found_household(service_of(request), data, request.user.name, key))


@get(
    "/v1/households/{household_id:str}", tags=["Households"], responses=problem_responses("unknown_household")
)
async def get_household(household_id: FromPath[str], request: ApiRequest) -> HouseholdView:
    """Return a household and its members."""
    return await moving.household(service_of(request), _id(household_id))


@post(
    "/v1/households/{household_id:str}/members", tags=["Households"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_household", "unknown_member", "already_in_household",
        "idempotency_key_reused", "not_offered", "member_closed", "account_too_young", "household_full",
    ),
)  # fmt: skip
async def join_household(
    household_id: FromPath[str], data: JSONBody[ConsentRequest], request: ApiRequest
) -> Response[HouseholdView]:
    """Record one side's consent that a member joins; with both, the member joins. Needs a header `Idempotency-Key`."""
    found, key = _id(household_id), await key_of(request)
    return answered(await moving.join_household(service_of(request), found, data, request.user.name, key))


@delete(
    "/v1/households/{household_id:str}/members/{member_id:str}", tags=["Households"], status_code=200,
    responses=problem_responses("unknown_household", "unknown_member"),
)  # fmt: skip
async def leave_household(
    household_id: FromPath[str], member_id: FromPath[str], request: ApiRequest
) -> Response[HouseholdView]:
    """Let a member leave, or withdraw a consent. When the head leaves, the household ends."""
    member = (await member_of(request, member_id)).member
    answer = await moving.leave_household(
        service_of(request), _id(household_id), member.member_id, request.user.name
    )
    return answered(answer)


def _id(text: str) -> UUID:
    found = ids.parse("hsh", text)
    if found is None:
        raise Problem("unknown_household")
    return found
