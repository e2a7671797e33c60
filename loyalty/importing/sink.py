"""Where postings go. The import knows only the `Sink`; the service behind it is opened in one place."""

import contextlib
from collections.abc import AsyncGenerator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, Literal, Protocol, get_args

from msgspec import Struct

from loyalty.settings import Settings
from loyalty.stays.model import StayPosting
from loyalty.stays.properties import Property

__all__ = [
    "OUTCOMES",
    "Enrolment",
    "ImportOutcome",
    "Refusal",
    "Result",
    "ServiceFailedError",
    "Sink",
    "open_sink",
]

ImportOutcome = Literal["posted", "recorded", "revised", "reversed", "unchanged", "superseded", "refused"]
"""The service's outcomes, and two more: `recorded` is a stay seen for the first time that moves nothing (cancelled
before it was ever posted), `refused` one that isn't in the books."""
OUTCOMES: Final[tuple[str, ...]] = get_args(ImportOutcome)


class Enrolment(Struct, frozen=True, gc=False):
    """A guest to enrol if nobody has this number yet."""

    number: str
    enrolled_on: date


class Refusal(Struct, frozen=True, gc=False):
    """Why the service refused a posting: its stable code, the JSON pointer of the field, words for people."""

    code: str
    pointer: str = ""
    detail: str = ""


class Result(Struct, frozen=True, gc=False):
    """What became of one posting.

    `points` and `nights` are what the stay stands for now; `change` is what this posting moved, 0 when it was a
    re-send. `excluded` holds the codes of `why` that kept the stay from earning. `refusal` is set when, and only
    when, the outcome is `refused`.
    """

    outcome: ImportOutcome
    points: int = 0
    change: int = 0
    nights: Decimal = Decimal(0)
    excluded: tuple[str, ...] = ()
    refusal: Refusal | None = None


class ServiceFailedError(Exception):
    """The service couldn't decide (no database, a full queue); the posting may be sent again."""


class Sink(Protocol):
    """What the import needs of the service. All three may be called again with the same things: nothing is done twice.

    Anything raised means that the service can't go on (no database); a refusal of one posting is a Result.
    """

    async def prepare(self, properties: Sequence[Property]) -> None:
        """Register the properties that aren't registered; leave the others as they are."""
        ...

    async def enrol(self, members: Sequence[Enrolment]) -> int:
        """Enrol those whose number nobody has; return how many that were."""
        ...

    async def post(self, stays: Sequence[StayPosting]) -> Sequence[Result]:
        """Post stays as if one by one in this order; return one result for each, once all are on disk."""
        ...


@contextlib.asynccontextmanager
async def open_sink(settings: Settings) -> AsyncGenerator[Sink]:
    """Open the service in this process, without HTTP, on the database of these settings.

    An embedded database is started, or joined, and brought up to date; another one must have been migrated.
    """
    from loyalty.embedded import open_database
    from loyalty.importing.service_sink import ServiceSink
    from loyalty.migrate import migrate
    from loyalty.opening import open_service

    with open_database(settings) as dsn:
        if not settings.dsn:
            await migrate(dsn, shards=settings.shards)
        async with open_service(settings, dsn) as service:
            yield ServiceSink(service)
