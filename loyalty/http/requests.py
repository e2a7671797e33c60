"""What routes need of a request: who calls, the service, the member it names, an idempotency key."""

import re
from typing import Any, Final, cast

from litestar import Request
from litestar.datastructures.state import State

from loyalty.commands.model import Key, Target
from loyalty.errors import FieldError, Problem
from loyalty.http.auth import Principal
from loyalty.ids import UUID
from loyalty.service import Found, Service

ApiRequest = Request[Principal, Any, State]

# In quotes, as the draft has it, or bare, as most clients send it.
_KEY: Final = re.compile(r'"([!#-~]{1,255})"|([!#-~]{1,255})')
_MEMBER: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")


def service_of(request: ApiRequest) -> Service:
    """Return the service behind this application."""
    return cast("Service", request.app.state.service)


async def key_of(request: ApiRequest) -> Key:
    """Return the request's `Idempotency-Key` bound to its body; raise Problem when it is missing or unusable."""
    found = _KEY.fullmatch(header(request, b"idempotency-key"))
    if found is None:
        raise Problem(
            "idempotency_key_missing",
            "Send a header Idempotency-Key of 1 to 255 printable ASCII characters, no spaces.",
        )
    named = request.scope["path"].encode() + await request.body()
    return service_of(request).key(request.user.key_id, found[1] or found[2], named)


def header(request: ApiRequest, name: bytes) -> str:
    """Return a header, or nothing; much cheaper than Litestar's mapping where only one is looked at."""
    for given, value in request.scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return ""


async def member_of(request: ApiRequest, key: str) -> Found:
    """Return the member that a path or query names; raise Problem `unknown_member`."""
    # What can be no name of a member is not asked for: the database refuses some characters outright.
    found = await service_of(request).find_member(key) if _MEMBER.fullmatch(key) else None
    if found is None:
        raise Problem("unknown_member", f"There is no member {key}.")
    return found


async def person_of(request: ApiRequest) -> UUID | None:
    """Return the member who holds the caller's key, by the account that stands for him by now; None: not known."""
    return await service_of(request).survivor(request.user.member)


def target_of(request: ApiRequest, key: str) -> Target:
    """Return whom a path names, whether or not there is such a member; raise Problem when there can't be."""
    target = service_of(request).target(key) if _MEMBER.fullmatch(key) else None
    if target is None:
        raise Problem("unknown_member", f"There is no member {key}.")
    return target


def bad_parameter(name: str, detail: str) -> Problem:
    """Return the refusal of a parameter that is well-formed but can't be used."""
    return Problem("invalid_parameter", detail, errors=(FieldError(parameter=name, detail=detail),))


def matches(if_none_match: str, tag: str) -> bool:
    """Tell whether an `If-None-Match` names a tag: as one of several, weakly, or as `*` (RFC 9110, 13.1.2)."""
    given = {one.strip().removeprefix("W/") for one in if_none_match.split(",")}
    return tag in given or "*" in given
