"""`/v1/purchases`: points that were paid for."""

from litestar import Response, post
from litestar.params import JSONBody

from loyalty.commands.purchase import PurchaseReply, PurchaseRequest
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of


@post(
    "/v1/purchases", tags=["Moving points"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "own_account", "unknown_member", "idempotency_key_reused", "member_closed",
        "not_offered", "invalid_value", "account_too_young", "limit_reached",
    ),
)  # fmt: skip
async def purchase(data: JSONBody[PurchaseRequest], request: ApiRequest) -> Response[PurchaseReply]:
    """Credit points that were paid for, and say what they cost. Needs a header `Idempotency-Key`.

    Nobody of the staff sells to an own account.
    """
    key, person = await key_of(request), await person_of(request)
    return answered(await service_of(request).purchase(data, request.user.name, key, person))
