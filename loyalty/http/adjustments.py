"""`/v1/adjustments`: credit or debit points by hand."""

from litestar import Response, post
from litestar.params import JSONBody

from loyalty.commands.adjust import AdjustmentReply, AdjustmentRequest
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of


@post(
    "/v1/adjustments", tags=["Adjustments"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "own_account", "unknown_member", "idempotency_key_reused", "member_closed",
        "invalid_value", "insufficient_points",
    ),
)  # fmt: skip
async def adjust(data: JSONBody[AdjustmentRequest], request: ApiRequest) -> Response[AdjustmentReply]:
    """Credit or debit points, with a reason. Needs a header `Idempotency-Key`.

    Nobody of the staff credits an own account.
    """
    key, person = await key_of(request), await person_of(request)
    return answered(await service_of(request).adjust(data, request.user.name, key, person))
