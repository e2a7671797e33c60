"""`/v1/members/{id}/merge` and `/v1/merges/{id}/undo`: two accounts of one person become one, and back."""

from litestar import Response, post
from litestar.params import FromPath, JSONBody

from loyalty import ids, moving
from loyalty.commands.merge import MergeReply, MergeRequest
from loyalty.errors import Problem
from loyalty.http.answers import answered
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, key_of, person_of, service_of, target_of


@post(
    "/v1/members/{member_id:str}/merge", tags=["Members"], status_code=201,
    responses=problem_responses(
        "idempotency_key_missing", "own_account", "unknown_member", "idempotency_key_reused", "same_member",
        "member_closed", "not_mergeable",
    ),
)  # fmt: skip
async def merge(
    member_id: FromPath[str], data: JSONBody[MergeRequest], request: ApiRequest
) -> Response[MergeReply]:
    """Merge an account into another of the same person; its number leads to the survivor from then on.

    Needs a header `Idempotency-Key`. Nobody of the staff merges an own account.
    """
    target_of(request, member_id)
    key = await key_of(request)
    person = await person_of(request)
    answer = await moving.merge(service_of(request), member_id, data.into, request.user.name, key, person)
    return answered(answer)


@post(
    "/v1/merges/{merge_id:str}/undo", tags=["Members"], status_code=200,
    responses=problem_responses(
        "idempotency_key_missing", "unknown_merge", "idempotency_key_reused", "not_undoable"
    ),
)  # fmt: skip
async def undo_merge(merge_id: FromPath[str], request: ApiRequest) -> Response[MergeReply]:
    """Undo a merge, as long as nothing but new stays was posted since. Needs a header `Idempotency-Key`."""
    found, key = ids.parse("mrg", merge_id), await key_of(request)
    if found is None:
        raise Problem("unknown_merge")
    return answered(await moving.unmerge(service_of(request), found, request.user.name, key))
