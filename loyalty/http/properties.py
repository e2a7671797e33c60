"""`/v1/properties`: the hotels that stays belong to."""

from litestar import get, put
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from loyalty.errors import Problem
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, service_of
from loyalty.stays.properties import Property


class PropertyList(Struct, frozen=True):
    """All hotels of the group."""

    properties: list[Property]


@get("/v1/properties", tags=["Properties"])
async def list_properties(request: ApiRequest) -> PropertyList:
    """List the hotels of the group."""
    return PropertyList(list((await service_of(request).properties()).values()))


@get("/v1/properties/{code:str}", tags=["Properties"], responses=problem_responses("not_found"))
async def get_property(code: FromPath[str], request: ApiRequest) -> Property:
    """Return a hotel."""
    found = await service_of(request).property(code)
    if found is None:
        raise Problem("not_found", f"There is no property {code}.")
    return found


@put(
    "/v1/properties/{code:str}", tags=["Properties"],
    responses=problem_responses("unknown_currency", "invalid_value"),
)  # fmt: skip
async def put_property(code: FromPath[str], data: JSONBody[Property], request: ApiRequest) -> Property:
    """Add a hotel, or change what is known of it."""
    if data.code != code:
        raise Problem("invalid_value", "The code differs from that of the address.", at="/code")
    await service_of(request).register(data)
    return data
