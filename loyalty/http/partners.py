"""`/v1/partners`: who takes points for something of its own, and on what terms."""

import datetime as dt
from typing import Final

import msgspec
from litestar import Response, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from loyalty import offering
from loyalty.errors import Problem
from loyalty.http.answers import Ready
from loyalty.http.auth import Principal, Role, require_partner
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, header, service_of
from loyalty.partners.catalogue import Filed
from loyalty.partners.model import Contract, Offer, Partner, Status, Title
from loyalty.partners.publishing import Put

__all__ = ["get_partner", "list_partners", "put_partner", "tagged", "tags_of"]

_encode: Final = msgspec.json.Encoder().encode


class PartnerView(Struct, frozen=True, omit_defaults=True):
    """A partner as it is on file, in its newest version. The contract is shown to operators and to the partner."""

    code: str
    version: int
    name: Title
    status: Status
    time_zone: str | None
    changed_at: dt.datetime
    changed_by: str = ""
    contract: Contract | None = None


class PartnerList(Struct, frozen=True):
    """Partners, by code."""

    partners: list[PartnerView]


@get("/v1/partners", tags=["Partners"])
async def list_partners(request: ApiRequest) -> PartnerList:
    """List the partners; a partner's key sees its own entry only."""
    catalogue = await service_of(request).refresh_catalogue()
    filed = [catalogue.partners[code][-1] for code in sorted(catalogue.partners)]
    user = request.user
    return PartnerList(
        [view(one, user) for one in filed if user.role != Role.PARTNER or one.one.code == user.partner]
    )


@get(
    "/v1/partners/{code:str}", tags=["Partners"],
    responses=problem_responses("forbidden_partner", "unknown_partner"),
)  # fmt: skip
async def get_partner(code: FromPath[str], request: ApiRequest) -> Response[PartnerView]:
    """Return a partner, with an `ETag` to change it by."""
    require_partner(request.user, code)
    found = (await service_of(request).refresh_catalogue()).partner(code)
    if found is None:
        raise Problem("unknown_partner", f"There is no partner {code}.")
    return Ready(_encode(view(found, request.user)), headers={"ETag": found.tag})


@put(
    "/v1/partners/{code:str}", tags=["Partners"],
    responses=problem_responses(
        "precondition_failed", "precondition_required", "invalid_value", "invalid_partner"
    ),
)  # fmt: skip
async def put_partner(
    code: FromPath[str], data: JSONBody[Partner], request: ApiRequest
) -> Response[PartnerView]:
    """Add a partner, or change it: a new version, by which redemptions are settled from now on.

    To change one, send the `ETag` of the version that you have read as `If-Match`. The same again changes nothing.
    """
    same_code(code, data.code)
    done = await offering.put_partner(service_of(request), data, request.user.name, tags_of(request))
    return tagged(_encode(view(done.filed, request.user)), done)


def view(filed: Filed[Partner], user: Principal) -> PartnerView:
    """Return a partner as a caller may see it."""
    one, inside = filed.one, user.role in {Role.OPERATOR, Role.PARTNER}
    return PartnerView(
        one.code, filed.version, one.name, one.status, one.time_zone, filed.changed_at,
        filed.changed_by if user.role == Role.OPERATOR else "", one.contract if inside else None,
    )  # fmt: skip


def same_code(path: str, body: str) -> None:
    """Refuse a body that is about another one than its address."""
    if path != body:
        raise Problem("invalid_value", "The code differs from that of the address.", at="/code")


def tagged(body: bytes, done: Put[Partner] | Put[Offer]) -> Ready:
    """Return what is on file after a change: 201 for a first version."""
    return Ready(body, 201 if done.new else 200, headers={"ETag": done.filed.tag})


def tags_of(request: ApiRequest) -> frozenset[str] | None:
    """Return the tags of `If-Match`; None without one. A weak tag matches nothing (RFC 9110, 13.1.1)."""
    given = header(request, b"if-match")
    return frozenset(one.strip() for one in given.split(",")) if given else None
