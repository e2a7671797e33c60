"""The sink that is the service itself: its commands, its batches, its answers."""

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec
from msgspec import Struct

from loyalty import bulk
from loyalty.commands.model import Answer
from loyalty.errors import Problem
from loyalty.importing.problems import ImportFailedError
from loyalty.importing.sink import Enrolment, ImportOutcome, Refusal, Result, ServiceFailedError
from loyalty.members.model import EnrolRequest
from loyalty.service import Service
from loyalty.stays.model import Outcome, StayPosting
from loyalty.stays.properties import Property

__all__ = ["ServiceSink", "result_of"]

ACTOR: Final = "import"
"""Who the ledger says did it."""

_AT_ONCE: Final = 500
# A program names its exclusions itself; these are the codes that tell how a stay earns.
_HOW_IT_EARNS: Final = frozenset(
    {"base", "tier_bonus", "category_eligible", "category_not_eligible", "exchanged", "superseded"}
)
_CREATED: Final = 201
_SERVER_ERROR: Final = 500


class _Points(Struct, frozen=True):
    total: int


class _Why(Struct, frozen=True):
    code: str


class _Reply(Struct, frozen=True):
    """What the import reads of a stay's reply."""

    outcome: Outcome
    points: _Points
    change: int
    nights: str
    why: list[_Why]


_decode: Final = msgspec.json.Decoder(_Reply).decode


class ServiceSink:
    """A Sink on an open service."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def prepare(self, properties: Sequence[Property]) -> None:
        """Register the properties that aren't registered; leave the others as they are."""
        for one in properties:
            if await self._service.property(one.code) is None:
                try:
                    await self._service.register(one)
                except Problem as problem:
                    raise ImportFailedError(
                        f"The property {one.code} can't be registered: {problem.detail}"
                    ) from None

    async def enrol(self, members: Sequence[Enrolment]) -> int:
        """Enrol those whose number nobody has; return how many that were."""
        enrolled = 0
        for begin in range(0, len(members), _AT_ONCE):
            enrolled += sum(await asyncio.gather(*map(self._enrol, members[begin : begin + _AT_ONCE])))
        return enrolled

    async def _enrol(self, one: Enrolment) -> bool:
        # A booking for a day to come makes a member today.
        enrolled_on = min(one.enrolled_on, self._service.today())
        try:
            request = msgspec.convert({"number": one.number, "enrolled_on": enrolled_on}, EnrolRequest)
            await self._service.enrol(request, ACTOR, None)
        except msgspec.ValidationError:
            return False  # no number that a member could have: its stays will be refused for it
        except Problem as problem:
            _raise_failure(problem)
            return False
        return True

    async def post(self, stays: Sequence[StayPosting]) -> Sequence[Result]:
        """Post stays in this order; return one result for each, once all are on disk."""
        return [result_of(answer) for answer in await bulk.post_stays(self._service, stays, ACTOR)]


def result_of(answer: Answer | Problem) -> Result:
    """Read what the service answered to a stay. Raises ServiceFailedError for what is its failure, not a refusal."""
    if isinstance(answer, Problem):
        _raise_failure(answer)
        pointer = next((one.pointer for one in answer.errors), "")
        return Result("refused", refusal=Refusal(answer.code, pointer, answer.detail))
    reply = _decode(answer.body)
    excluded = dict.fromkeys(why.code for why in reply.why if why.code not in _HOW_IT_EARNS)
    return Result(
        outcome=_outcome(answer, reply),
        points=reply.points.total,
        change=0 if answer.replayed else reply.change,
        nights=Decimal(reply.nights),
        excluded=tuple(excluded),
    )


def _outcome(answer: Answer, reply: _Reply) -> ImportOutcome:
    """Tell a re-send, whose reply says what was done the first time, from a stay that is new but moves nothing."""
    if answer.replayed:
        return "unchanged"
    return "recorded" if reply.outcome == "unchanged" and answer.status == _CREATED else reply.outcome


def _raise_failure(problem: Problem) -> None:
    if problem.status >= _SERVER_ERROR:
        raise ServiceFailedError(f"{problem.code}: {problem.detail}")
