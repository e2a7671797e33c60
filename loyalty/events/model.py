"""An event: what others are told about a journal, in the same transaction that writes it."""

from datetime import date

from msgspec import Struct

from loyalty.ids import UUID


class Event(Struct, frozen=True, gc=False):
    """What others are told about a journal; the first that is told of it goes by the journal's own id."""

    event_id: UUID
    type: str
    member_id: UUID
    journal_id: UUID
    payload: bytes


class PointsExpiring(Struct, frozen=True, gc=False):
    """What others are told so many days before points are lost: to expiry, or because nothing was done with them."""

    member_id: str
    on: date
    points: int
    days_ahead: int
