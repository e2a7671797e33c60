"""The service as the demo's property systems and booking site call it: plain HTTP with an API key."""

import asyncio
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final, TypeVar

import httpx
import msgspec

from loyalty.demo.group import Property
from loyalty.demo.guests import Guest
from loyalty.demo.pms import Posting
from loyalty.demo.wire import (
    Balance,
    BalanceReply,
    BatchReply,
    Enrolled,
    Item,
    Problem,
    Statement,
    StatementLine,
    StayReply,
)

T = TypeVar("T")

ATTEMPTS: Final = 60
LONGEST_WAIT_SECONDS: Final = 2.0


class ServiceFailedError(Exception):
    """The service did not answer as documented."""


class Api:
    """A client with one key. Waits and asks again while the service says that it is full (503)."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def register(self, hotel: Property) -> None:
        """Make a property known."""
        await self.put(f"/v1/properties/{hotel.code}", hotel.registration())

    async def read(self, path: str, reply: type[T]) -> T:
        """Return what there is at a path."""
        return msgspec.json.decode(_ok(await self._send("GET", path, b"", {})).content, type=reply)

    async def put(self, path: str, body: object) -> None:
        """Put something on file."""
        await self._call("PUT", path, body)

    async def enrol(self, guest: Guest, friend: str | None = None) -> Enrolled:
        """Enrol a guest under the number on the card, perhaps brought by a friend."""
        key = {"Idempotency-Key": f"demo-enrol-{guest.number}"}
        brought = {"referred_by": friend} if friend else {}
        reply = await self._call("POST", "/v1/members", guest.enrolment() | brought, key)
        return msgspec.json.decode(reply.content, type=Enrolled)

    async def ask(self, path: str, body: object, key: str, reply: type[T]) -> T | Problem:
        """Ask for something that happens once under its key; a refusal is a result too."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": f"demo-{key}"}
        said = await self._send("POST", path, msgspec.json.encode(body), headers)
        return msgspec.json.decode(said.content, type=reply) if said.is_success else _problem(said)

    async def statement(self, member_id: str) -> list[StatementLine]:
        """The last lines of a member's statement."""
        return (await self.read(f"/v1/members/{member_id}/statement?limit=200", Statement)).lines

    async def post_batch(self, postings: Sequence[Posting]) -> list[Item]:
        """Post many stays as NDJSON; one result each, in order."""
        content = msgspec.json.Encoder().encode_lines(posting.body for posting in postings)
        headers = {"Content-Type": "application/x-ndjson"}
        reply = await self._send("POST", "/v1/stays/batch", content, headers)
        return msgspec.json.decode(_ok(reply).content, type=BatchReply).results

    async def post_stay(self, posting: Posting) -> Item:
        """Post one stay; a refusal is a result too."""
        content = msgspec.json.encode(posting.body)
        reply = await self._send("POST", "/v1/stays", content, {"Content-Type": "application/json"})
        if reply.is_success:
            return Item(reply.status_code, reply=msgspec.json.decode(reply.content, type=StayReply))
        return Item(reply.status_code, problem=_problem(reply))

    async def balances(self, numbers: Iterable[str]) -> list[Balance]:
        """The standings of up to 1,000 members."""
        reply = await self._call("POST", "/v1/balances", {"members": list(numbers)})
        results = msgspec.json.decode(reply.content, type=BalanceReply).balances
        unknown = [result.member for result in results if result.balance is None]
        if unknown:
            raise ServiceFailedError(f"no balance of {', '.join(unknown[:5])}")
        return [result.balance for result in results if result.balance is not None]

    async def _call(
        self, method: str, path: str, body: object, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        together = {"Content-Type": "application/json"} | (headers or {})
        return _ok(await self._send(method, path, msgspec.json.encode(body), together))

    async def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        for _ in range(ATTEMPTS):
            reply = await self._request(method, path, content, headers)
            if reply.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                return reply
            await asyncio.sleep(_seconds_to_wait(reply))
        raise ServiceFailedError(f"{method} {path}: the service stayed full")

    async def _request(
        self, method: str, path: str, content: bytes, headers: dict[str, str]
    ) -> httpx.Response:
        try:
            return await self._http.request(method, path, content=content, headers=headers)
        except httpx.HTTPError as error:
            raise ServiceFailedError(f"{method} {path}: {type(error).__name__} {error}") from error


def _seconds_to_wait(reply: httpx.Response) -> float:
    asked = reply.headers.get("Retry-After", "1")
    return min(float(asked), LONGEST_WAIT_SECONDS) if asked.isdigit() else 1.0


def _ok(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    request = reply.request
    raise ServiceFailedError(
        f"{request.method} {request.url.path} answered {reply.status_code}: {reply.text[:500]}"
    )


def _problem(reply: httpx.Response) -> Problem:
    try:
        return msgspec.json.decode(reply.content, type=Problem)
    except msgspec.DecodeError as error:
        raise ServiceFailedError(f"not a problem document: {reply.status_code} {reply.text[:500]}") from error
