"""`/v1/transfers`: give points to another member."""

from litestar import Response, post
from litestar.params import JSONBody

from loyalty import moving
from loyalty.commands.transfer import TransferReply, TransferRequest
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of


@post(
    "/v1/transfers", tags=["Moving points"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "own_account", "unknown_member", "idempotency_key_reused", "not_offered",
        "same_member", "member_closed", "invalid_value", "account_too_young", "limit_reached", "insufficient_points",
    ),
)  # fmt: skip
async def transfer(data: JSONBody[TransferRequest], request: ApiRequest) -> Response[TransferReply]:
    """Give points from one member to another. They keep the expiry they have. Needs a header `Idempotency-Key`.

    Nobody of the staff gives others' points to an own account.
    """
    key, person = await key_of(request), await person_of(request)
    return answered(await moving.transfer(service_of(request), data, request.user.name, key, person))
