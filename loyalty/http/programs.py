"""`/v1/programs`: the versions of the program's rules, and publishing a new one."""

import datetime as dt
from typing import Annotated

from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta, Struct

from loyalty.commands.rulebook import names
from loyalty.commands.versions import definition_of
from loyalty.errors import Problem
from loyalty.http.problems import problem_responses
from loyalty.http.requests import ApiRequest, service_of
from loyalty.program.store import Version


class PublishRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A definition, as the text of its TOML file, and the first day it is in force (check-outs of that day on)."""

    definition: Annotated[str, Meta(min_length=1, max_length=1_000_000)]
    effective_from: dt.date


class VersionView(Struct, frozen=True):
    """A version of the program. `in_force`: it is the one of today."""

    program: str
    version: int
    name: dict[str, str]
    effective_from: dt.date
    in_force: bool
    published_by: str
    published_at: dt.datetime


class VersionList(Struct, frozen=True):
    """All versions, the first in force first."""

    programs: list[VersionView]


class FullVersion(VersionView, frozen=True):
    """A version with its definition, as it was published."""

    definition: str


@get("/v1/programs", tags=["Programs"])
async def list_programs(request: ApiRequest) -> VersionList:
    """List the versions of the program."""
    return VersionList([_view(request, one) for one in await service_of(request).programs()])


@get("/v1/programs/{version:int}", tags=["Programs"], responses=problem_responses("unknown_version"))
async def get_program(version: FromPath[int], request: ApiRequest) -> FullVersion:
    """Return a version with its definition."""
    found = next((one for one in await service_of(request).programs() if one.version == version), None)
    if found is None:
        raise Problem("unknown_version", f"There is no version {version}.")
    view = _view(request, found)
    return FullVersion(
        view.program, view.version, view.name, view.effective_from, view.in_force, view.published_by,
        view.published_at, found.definition,
    )  # fmt: skip


@post(
    "/v1/programs", tags=["Programs"], status_code=201,
    responses=problem_responses(
        "invalid_program", "version_taken", "version_in_past", "budget_too_small", "invalid_value"
    ),
)  # fmt: skip
async def publish_program(
    data: JSONBody[PublishRequest],
    request: ApiRequest,
    dry_run: FromQuery[bool] = False,  # noqa: FBT002 - a query
) -> Response[VersionView]:
    """Publish a version from a day on. The same again changes nothing; `dry_run` only checks it."""
    service = service_of(request)
    one, new = await service.publish(data.definition, data.effective_from, request.user.name, dry_run=dry_run)
    return Response(_view(request, one), status_code=201 if new and not dry_run else 200)


@delete(
    "/v1/programs/{version:int}", tags=["Programs"], status_code=204,
    responses=problem_responses("unknown_version", "version_in_use"),
)  # fmt: skip
async def withdraw_program(version: FromPath[int], request: ApiRequest) -> None:
    """Withdraw a version that no stay has been judged by."""
    await service_of(request).withdraw(version)


def _view(request: ApiRequest, one: Version) -> VersionView:
    service = service_of(request)
    return VersionView(
        one.program, one.version, names(definition_of(one).name), one.effective_from,
        service.rules.at(service.today()).definition.version == one.version, one.published_by, one.published_at,
    )  # fmt: skip
