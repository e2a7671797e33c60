"""What routes do that their signatures don't say, for the documentation: headers, replays, examples."""

import json
from typing import Any, Final

from loyalty.http.examples import PROPOSALS, REPLIES, REQUESTS

__all__ = ["COMPONENTS", "describe"]

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string"}


def _header(description: str, schema: Json | None = None) -> Json:
    return {"description": description, "schema": schema or _TEXT}


COMPONENTS: Final[Json] = {
    "parameters": {
        "IdempotencyKey": {
            "name": "Idempotency-Key", "in": "header", "required": True,
            "description": "Names this request among all of this caller's, for good. The same request again is"
            " answered the same, byte for byte, and does nothing; another request under the key is refused."
            " Refusals are kept too, but not what says try again (503).",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!#-~]+$"},
            "example": "4c1f2a36-5d0e-4a1b-9a70-6a8f1d3f5b0c",
        },
        "IfNoneMatch": {
            "name": "If-None-Match", "in": "header", "required": False,
            "description": "An `ETag` seen before; if nothing has changed the answer is 304, without a body.",
            "schema": _TEXT,
        },
        "IfMatch": {
            "name": "If-Match", "in": "header", "required": False,
            "description": "The `ETag` of the version that is to be changed; left out for what isn't on file yet. When"
            " another one is there by now, the request is refused.",
            "schema": _TEXT,
            "example": '"1"',
        },
    },
    "headers": {
        "XRequestId": _header("The request's id: as sent in `X-Request-Id`, or made up. The log has it too."),
        "IdempotentReplayed": _header("`true` when this answer was given before.", {"const": "true"}),
        "ETag": _header("Changes whenever the balance may."),
        "ETagOfVersion": _header("The version, for `If-Match`."),
        "RetryAfter": _header("Seconds after which to try again.", {"type": "integer", "minimum": 0}),
        "WWWAuthenticate": _header("`Bearer`."),
        "Allow": _header("The methods that are."),
    },
}  # fmt: skip
"""Parameters and headers that routes share."""

_MEMBER: Final = "A member id (`mem_…`) or a membership number."
_WORDS: Final = {
    "member_id": _MEMBER,
    "stay_id": "A stay id (`sty_…`), from the reply to a posting.",
    "period": "A month, like `2026-03`.",
    "reference": "The partner's own reference.",
    "by": "What the figures are grouped by.",
    "code": "The code of a property, a promotion, a partner or an offer; of a voucher, however it is typed.",
    "member": "For this member: a member id (`mem_…`) or a membership number. Left out: for nobody in particular.",
    "on": "The day of use that is asked for; left out, prices of all days from today on.",
    "kind": "Of a status, how the tier was given; of offers, only those of this kind.",
    "partner": "Only those of this partner; `hotel` for the hotel's own.",
    "redemption_id": "A redemption id (`red_…`), from the reply to the hold.",
    "tier": "The code of a tier.",
    "merge_id": "The id of a merge (`mrg_…`), from its reply.",
    "household_id": "The id of a household (`hsh_…`).",
    "approval_id": "The id of a proposal (`apr_…`).",
    "version": "The number of a version, as its definition says.",
    "dry_run": "Only check whether it could be published.",
    "status": "Only those of this status.",
    "reward_id": "A reward id (`rwd_…`), from the member's rewards.",
    "benefit": "The code of a benefit that the tier brings so many times a year.",
    "number": "A membership number, or a member id (`mem_…`).",
    "as_of": "The balance at the end of this day; today, if left out.",
    "known_at": "As it was known at this instant (RFC 3339, with a time zone); now, if left out.",
    "limit": "The most lines of a page.",
    "cursor": "`next_cursor` of the page before; the first page, if left out.",
}
_ANSWERS: Final = {
    ("GET", "/health/live"): "The process answers",
    ("GET", "/health/ready"): "Requests can be answered",
    ("GET", "/metrics"): "The metrics, as text",
    ("POST", "/v1/members"): "The member, enrolled",
    ("GET", "/v1/members"): "The member",
    ("GET", "/v1/members/{member_id}"): "The member",
    ("GET", "/v1/members/{member_id}/balance"): "The balance",
    ("GET", "/v1/members/{member_id}/statement"): "A page of the member's journals, newest first",
    ("GET", "/v1/members/{member_id}/rewards"): "A page of the member's rewards, newest first",
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"): "The rewards, as chosen",
    ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"): "The reward, used",
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"): "The use is counted",
    ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"): "The use is given back",
    ("GET", "/v1/rewards"): "A page of flagged rewards, newest first",
    ("POST", "/v1/balances"): "A balance or a problem for each member, in the order of the request",
    ("POST", "/v1/stays"): "The stay was seen for the first time",
    ("POST", "/v1/stays/batch"): "What became of each stay, in the order of the request",
    ("GET", "/v1/stays/{stay_id}"): "The stay, with all that was ever said about it",
    ("POST", "/v1/adjustments"): "The points are credited or debited",
    ("POST", "/v1/transfers"): "The points have changed hands",
    ("POST", "/v1/purchases"): "The points are credited",
    ("POST", "/v1/members/{member_id}/statuses"): "All statuses of the member, the new one last",
    ("DELETE", "/v1/members/{member_id}/statuses/{tier}/{kind}"): "What is left of the member's statuses",
    ("PUT", "/v1/members/{member_id}/segments"): "The segments, as they now are",
    ("POST", "/v1/members/{member_id}/promotions/{code}"): "The member takes part",
    ("POST", "/v1/members/{member_id}/merge"): "The accounts are one",
    ("POST", "/v1/merges/{merge_id}/undo"): "The accounts are two again",
    ("POST", "/v1/households"): "The household, with its head",
    ("GET", "/v1/households/{household_id}"): "The household",
    ("POST", "/v1/households/{household_id}/members"): "The household, as it now is",
    ("DELETE", "/v1/households/{household_id}/members/{member_id}"): "The household, as it now is",
    ("POST", "/v1/compensations"): "The points are credited",
    ("GET", "/v1/approvals"): "A page of proposals, oldest first",
    ("POST", "/v1/approvals/{approval_id}/approve"): "The proposal, approved",
    ("POST", "/v1/approvals/{approval_id}/reject"): "The proposal, rejected",
    ("GET", "/v1/properties"): "The hotels, by code",
    ("GET", "/v1/properties/{code}"): "The hotel",
    ("PUT", "/v1/properties/{code}"): "The hotel, as it now is",
    ("GET", "/v1/programs"): "All versions, the first in force first",
    ("GET", "/v1/programs/{version}"): "The version, with its definition",
    ("POST", "/v1/programs"): "The version is published",
    ("DELETE", "/v1/programs/{version}"): "The version is withdrawn",
    ("GET", "/v1/partners"): "The partners, by code",
    ("GET", "/v1/partners/{code}"): "The partner",
    ("PUT", "/v1/partners/{code}"): "The partner, as it now is",
    ("GET", "/v1/offers"): "What the member may have, and the rest with why not",
    ("GET", "/v1/offers/{code}"): "The offer, as it is on file",
    ("PUT", "/v1/offers/{code}"): "The offer, as it now is",
    ("POST", "/v1/members/{member_id}/redemption-tokens"): "The token, told this once",
    ("POST", "/v1/redemptions"): "The points are held or, at once, captured",
    ("GET", "/v1/redemptions"): "A page of redemptions, newest first",
    ("GET", "/v1/redemptions/{redemption_id}"): "The redemption",
    ("POST", "/v1/redemptions/{redemption_id}/capture"): "The redemption, captured",
    ("POST", "/v1/redemptions/{redemption_id}/release"): "The redemption, released",
    ("POST", "/v1/redemptions/{redemption_id}/extend"): "The redemption, held for longer",
    ("POST", "/v1/redemptions/{redemption_id}/refund"): "The redemption, refunded as far as was asked",
    ("POST", "/v1/partners/{code}/accruals"): "The points are credited",
    ("GET", "/v1/partners/{code}/accruals/{reference}"): "The points that the partner gave",
    ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"): "The points are taken back",
    ("POST", "/v1/partners/{code}/deposits"): "What the partner may give, as it now is",
    ("GET", "/v1/partners/{code}/fund"): "What the partner paid before, and what is left of it",
    ("POST", "/v1/partners/{code}/statements"): "The statement, issued",
    ("GET", "/v1/partners/{code}/statements"): "The statements, the newest first",
    (
        "GET",
        "/v1/partners/{code}/statements/{period}",
    ): "The statement; while it is open, what the next one would have",
    ("POST", "/v1/partners/{code}/statements/{period}/accept"): "The statement, accepted",
    ("POST", "/v1/partners/{code}/statements/{period}/dispute"): "The statement, in dispute",
    ("POST", "/v1/partners/{code}/statements/{period}/settle"): "The statement, settled",
    ("POST", "/v1/partners/{code}/statements/{period}/match"): "What became of each line of either",
    ("POST", "/v1/partners/{code}/statements/{period}/match.csv"): "What became of each line of either",
    ("GET", "/v1/partners/{code}/statements/{period}/match"): "What became of each line of either",
    ("POST", "/v1/partners/{code}/statements/{period}/adjustments"): "The adjustment, for the next statement",
    ("GET", "/v1/reports/redemptions"): "What was captured and refunded",
    ("GET", "/v1/reports/lots"): "What members have, by the months until it is lost",
    ("GET", "/v1/reports/cost"): "What points came to",
    ("GET", "/v1/reports/properties"): "Who pays whom",
    ("GET", "/v1/vouchers/{code}"): "The voucher",
    ("GET", "/v1/vouchers/{code}/qr"): "The picture",
    ("POST", "/v1/vouchers/{code}/redeem"): "The voucher, redeemed",
    ("POST", "/v1/vouchers/{code}/revoke"): "The voucher, revoked",
    ("POST", "/v1/vouchers/{code}/hand-over"): "The voucher, with its new code",
    ("GET", "/v1/members/{member_id}/vouchers"): "A page of the member's vouchers, newest first",
    ("POST", "/v1/programs/simulate"): "What the stays come to, under the live rules and under the new ones",
}
_KEYED: Final = frozenset(
    {
        ("POST", "/v1/members"),
        ("POST", "/v1/adjustments"),
        ("POST", "/v1/transfers"),
        ("POST", "/v1/households"),
        ("POST", "/v1/households/{household_id}/members"),
        ("POST", "/v1/members/{member_id}/merge"),
        ("POST", "/v1/merges/{merge_id}/undo"),
        ("POST", "/v1/members/{member_id}/statuses"),
        ("POST", "/v1/purchases"),
        ("POST", "/v1/compensations"),
        ("POST", "/v1/vouchers/{code}/redeem"),
        ("POST", "/v1/vouchers/{code}/revoke"),
        ("POST", "/v1/vouchers/{code}/hand-over"),
        ("POST", "/v1/members/{member_id}/redemption-tokens"),
        ("POST", "/v1/redemptions"),
        ("POST", "/v1/redemptions/{redemption_id}/capture"),
        ("POST", "/v1/redemptions/{redemption_id}/release"),
        ("POST", "/v1/redemptions/{redemption_id}/extend"),
        ("POST", "/v1/redemptions/{redemption_id}/refund"),
        ("POST", "/v1/partners/{code}/accruals"),
        ("POST", "/v1/partners/{code}/accruals/{reference}/reverse"),
        ("POST", "/v1/partners/{code}/deposits"),
        ("POST", "/v1/partners/{code}/statements/{period}/adjustments"),
        ("POST", "/v1/members/{member_id}/rewards/{reward_id}/choose"),
        ("POST", "/v1/members/{member_id}/rewards/{reward_id}/use"),
        ("POST", "/v1/members/{member_id}/benefits/{benefit}/use"),
        ("POST", "/v1/members/{member_id}/benefits/{benefit}/return"),
    }
)
_TAGGED: Final = frozenset({"/v1/partners/{code}", "/v1/offers/{code}"})
_BALANCE: Final = ("GET", "/v1/members/{member_id}/balance")
_STAY: Final = ("POST", "/v1/stays")
# What is there already is answered 200.
_THE_SAME: Final = {
    ("POST", "/v1/programs"): "The same is published already; or, of a dry run, it could be",
    ("POST", "/v1/partners/{code}/statements"): "The statement, issued before",
}
_REF: Final = "#/components/{}/{}"


def describe(method: str, path: str, operation: Json) -> None:
    """Complete the documentation of a route, in place."""
    route = (method, path)
    for parameter in operation.get("parameters", []):
        parameter.setdefault("description", _WORDS.get(parameter["name"], ""))
    responses: Json = operation["responses"]
    responses[min(responses)]["description"] = _ANSWERS.get(route, "Done")
    if route in _KEYED:
        _take(operation, "IdempotencyKey")
        _carry(responses[min(responses)], "Idempotent-Replayed", "IdempotentReplayed")
    if route in PROPOSALS:
        responses["202"] = _again(responses["201"], "It is proposed: a second person has to approve")
    if route == _BALANCE:
        _take(operation, "IfNoneMatch")
        responses["304"] = {"description": "Nothing has changed since the `ETag` that was sent."}
        _carry(responses["200"], "ETag", "ETag")
        _carry(responses["304"], "ETag", "ETag")
    if path in _TAGGED:
        _tag(method, operation)
    if route in _THE_SAME:
        responses["200"] = _again(responses["201"], _THE_SAME[route])
    if route == _STAY:
        _answer_again(responses)
    _add_examples(route, operation)
    for status, response in responses.items():
        _carry(response, "X-Request-Id", "XRequestId")
        if status in _BY_STATUS:
            _carry(response, *_BY_STATUS[status])


_BY_STATUS: Final = {
    "401": ("WWW-Authenticate", "WWWAuthenticate"),
    "405": ("Allow", "Allow"),
    "503": ("Retry-After", "RetryAfter"),
}


def _take(operation: Json, name: str) -> None:
    operation.setdefault("parameters", []).append({"$ref": _REF.format("parameters", name)})


def _tag(method: str, operation: Json) -> None:
    """Document the tag of what has versions, by which one is changed."""
    responses: Json = operation["responses"]
    _carry(responses["200"], "ETag", "ETagOfVersion")
    if method == "PUT":
        _take(operation, "IfMatch")
        responses["201"] = responses["200"] | {"description": "It is on file for the first time"}


def _carry(response: Json, header: str, name: str) -> None:
    response.setdefault("headers", {})[header] = {"$ref": _REF.format("headers", name)}


def _again(response: Json, description: str) -> Json:
    """Return a response of the same content, which may have another example and other headers."""
    content = {name: dict(content) for name, content in response["content"].items()}
    headers = dict(response.get("headers", {}))
    return response | {"description": description, "content": content, "headers": headers}


def _answer_again(responses: Json) -> None:
    """Document that a stay that is already on file is answered 200."""
    responses["200"] = _again(
        responses["201"],
        "The stay was on file: this posting revised it, came too late, or was answered before",
    )
    _carry(responses["200"], "Idempotent-Replayed", "IdempotentReplayed")


def _add_examples(route: tuple[str, str], operation: Json) -> None:
    for name, content in operation.get("requestBody", {}).get("content", {}).items():
        if route in REQUESTS:
            content["example"] = _as_lines(REQUESTS[route]) if "ndjson" in name else REQUESTS[route]
    for status, response in operation["responses"].items():
        if status < "300" and route in REPLIES:
            for content in response.get("content", {}).values():
                content["example"] = PROPOSALS[route] if status == "202" else REPLIES[route]


def _as_lines(items: list[Any]) -> str:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
