"""`/v1/reports`: what was spent with partners, what is left in lots, what points cost, and who pays whom."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from litestar import Response, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from loyalty import reporting
from loyalty.http.answers import Ready
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, bad_parameter, header, service_of
from loyalty.partners.reports import Ageing, By, CostReport, LotsReport, Owed, PartnerCost, Redeemed, as_csv

CSV: Final = "text/csv; charset=utf-8"
_encode: Final = msgspec.json.Encoder().encode
_LONGEST: Final = dt.timedelta(days=3660)

From = Annotated[dt.date, QueryParameter(name="from", description="The first day.")]
To = Annotated[dt.date, QueryParameter(description="The last day.")]


class RedemptionReport(Struct, frozen=True):
    """What was captured and refunded, by partner, offer, tier or month."""

    redemptions: list[Redeemed]


class PropertyReport(Struct, frozen=True):
    """Points by the hotel that gave them and the partner that took them."""

    properties: list[Owed]


@get("/v1/reports/redemptions", tags=["Reports"], responses=problem_responses("invalid_parameter"))
async def report_redemptions(
    request: ApiRequest, first: From, to: To, by: FromQuery[By] = "partner"
) -> Response[RedemptionReport]:
    """Return what was captured and refunded from a day to another; with `Accept: text/csv` as CSV."""
    check_days(first, to)
    found = await reporting.redemptions(service_of(request), first, to, by)
    return _shown(request, RedemptionReport(found), Redeemed, found)


@get("/v1/reports/lots", tags=["Reports"])
async def report_lots(request: ApiRequest) -> Response[LotsReport]:
    """Return what members have today, by the full months until it is lost; with `Accept: text/csv` as CSV."""
    found = await reporting.lots(service_of(request))
    return _shown(request, found, Ageing, found.lots)


@get("/v1/reports/cost", tags=["Reports"], responses=problem_responses("invalid_parameter"))
async def report_cost(request: ApiRequest, first: From, to: To) -> Response[CostReport]:
    """Return what partners gave and took from a day to another, and money per point; also as CSV."""
    check_days(first, to)
    found = await reporting.cost(service_of(request), first, to)
    return _shown(request, found, PartnerCost, found.partners)


@get("/v1/reports/properties", tags=["Reports"], responses=problem_responses("invalid_parameter"))
async def report_properties(request: ApiRequest, first: From, to: To) -> Response[PropertyReport]:
    """Return who pays whom: points by the hotel that gave them and the partner that took them; also as CSV."""
    check_days(first, to)
    found = await reporting.properties(service_of(request), first, to)
    return _shown(request, PropertyReport(found), Owed, found)


def check_days(first: dt.date, last: dt.date) -> None:
    """Refuse days that are the wrong way round, or too far apart."""
    if not first <= last <= first + _LONGEST:
        raise bad_parameter("to", f"Must be from {first} on, within {_LONGEST.days} days.")


def wants_csv(request: ApiRequest) -> bool:
    """Tell whether a request asks for CSV."""
    return "text/csv" in header(request, b"accept")


def _shown(request: ApiRequest, whole: Any, kind: type[Struct], rows: Sequence[Struct]) -> Ready:
    if wants_csv(request):
        return Ready(as_csv(kind, rows), media_type=CSV)
    return Ready(_encode(whole))
