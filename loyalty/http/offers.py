"""`/v1/offers`: what can be had for points, for whom and why not, and putting it on file."""

import datetime as dt
from typing import Annotated, Final

import msgspec
from litestar import Response, get, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from msgspec import Struct, structs

from loyalty import offering
from loyalty.errors import Problem
from loyalty.http.answers import Ready
from loyalty.http.auth import Principal, Role
from loyalty.http.partners import same_code, tagged, tags_of
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, bad_parameter, member_of, service_of
from loyalty.partners.catalogue import Filed
from loyalty.partners.details import AHEAD
from loyalty.partners.model import Kind, Offer
from loyalty.partners.offers import Listing
from loyalty.partners.shelf import Look, OfferView, show
from loyalty.program.wording import language_of

_encode: Final = msgspec.json.Encoder().encode


class OfferList(Struct, frozen=True):
    """`offers` are those that the member may have, `others` the rest, each with why not; both by code."""

    offers: list[OfferView]
    others: list[OfferView]


class OfferFile(Struct, frozen=True, omit_defaults=True):
    """An offer as it is on file, in its newest version. Its `value` is shown to operators and to the partner."""

    version: int
    offer: Offer
    changed_at: dt.datetime
    changed_by: str = ""


@get(
    "/v1/offers", tags=["Offers"], responses=problem_responses("forbidden_role", "unknown_member", "invalid_parameter")
)  # fmt: skip
async def list_offers(
    request: ApiRequest,
    member: FromQuery[str | None] = None,
    on: FromQuery[dt.date | None] = None,
    kind: FromQuery[Kind | None] = None,
    partner: FromQuery[str | None] = None,
    offer: Annotated[str | None, QueryParameter(description="Only the offer of this code.")] = None,
) -> OfferList:
    """List what there is for points: for a member, at the member's prices, with why not for the rest.

    With `on`, prices and what is left are those of that day of use. A partner's key sees its own offers, and can't ask
    about members.
    """
    service, user = service_of(request), request.user
    if member is not None and user.role == Role.PARTNER:
        raise Problem("forbidden_role", "A partner's key can't ask what a member may have.")
    today = service.today()
    if on is not None and not today <= on <= today + AHEAD:
        raise bad_parameter("on", "Is past, or more than two years ahead.")
    catalogue = await service.refresh_catalogue()
    found = None if member is None else await member_of(request, member)
    guest = None if found is None else offering.guest_of(service, found)
    taken = await offering.taken_of(service, found)
    left = await offering.left_of(service)
    look = Look(today, language_of(request.headers.get("accept-language", "")), guest, on)
    asked = [
        one
        for one in catalogue.listings()
        if _sees(user, one, partner) and kind in {None, one.offer.kind} and offer in {None, one.offer.code}
    ]
    shown = [show(one, look, left, taken.get(one.offer.code, ())) for one in asked]
    return OfferList([one for one in shown if not one.why_not], [one for one in shown if one.why_not])


@get("/v1/offers/{code:str}", tags=["Offers"], responses=problem_responses("unknown_offer"))
async def get_offer(code: FromPath[str], request: ApiRequest) -> Response[OfferFile]:
    """Return an offer as it is on file, with an `ETag` to change it by."""
    found = (await service_of(request).refresh_catalogue()).filed_offer(code)
    user = request.user
    if found is None or (user.role == Role.PARTNER and found.one.partner != user.partner):
        raise Problem("unknown_offer", f"There is no offer {code}.")
    return Ready(_encode(_file(found, user)), headers={"ETag": found.tag})


@put(
    "/v1/offers/{code:str}", tags=["Offers"],
    responses=problem_responses(
        "precondition_failed", "precondition_required", "invalid_value", "invalid_offer", "stock_too_small"
    ),
)  # fmt: skip
async def put_offer(code: FromPath[str], data: JSONBody[Offer], request: ApiRequest) -> Response[OfferFile]:
    """Add an offer, or change it: a new version, for redemptions from now on. Those made before keep theirs.

    To change one, send the `ETag` of the version that you have read as `If-Match`. The same again changes nothing.
    """
    same_code(code, data.code)
    done = await offering.put_offer(service_of(request), data, request.user.name, tags_of(request))
    return tagged(_encode(_file(done.filed, request.user)), done)


def _sees(user: Principal, one: Listing, partner: str | None) -> bool:
    """Tell whether an offer is one that a caller may see, of the partner that is asked for."""
    if user.role == Role.PARTNER and one.partner_code != user.partner:
        return False
    return partner in {None, one.partner_code}


def _file(filed: Filed[Offer], user: Principal) -> OfferFile:
    inside = user.role in {Role.OPERATOR, Role.PARTNER}
    one = filed.one if inside else structs.replace(filed.one, value=None)
    by = filed.changed_by if user.role == Role.OPERATOR else ""
    return OfferFile(filed.version, one, filed.changed_at, by)
