"""A reward as it is kept: one row for each thing that a milestone gives. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec import Struct

from loyalty.ids import UUID
from loyalty.program.model import Choice, Reward

_DAY = timedelta(days=1)

Place = tuple[str, str, int]
"""A crossing of a milestone: its code, its year if it is yearly, its ordinal."""


class GrantedReward(Struct, frozen=True, gc=False):
    """What a crossing of a milestone gave; of a choice of several, `part` 1, 2, …

    `status`: `open` (a choice to make), `issued`, `used`, `expired`, `revoked`, `flagged` (it was used, and then the
    milestone was lost). `kind`, `code` and `points` are empty while it is open. `program` is the version that says what
    there is to choose. `choose_by` is the last day to choose, `valid_to` the first day it can't be used any more.
    `journal_id` gave it (of points: the journal whose lot they are), `changed_by` changed it last.
    """

    reward_id: UUID
    member_id: UUID
    milestone: str
    period: str
    ordinal: int
    part: int
    program: str
    status: str
    kind: str
    code: str
    points: int
    granted_on: date
    choose_by: date | None
    valid_to: date | None
    journal_id: UUID
    changed_by: UUID

    @property
    def place(self) -> Place:
        """The crossing that gave it."""
        return self.milestone, self.period, self.ordinal

    @property
    def due_on(self) -> date | None:
        """The first day on which something has to be done about it; None: never."""
        if self.status == "open":
            return None if self.choose_by is None else self.choose_by + _DAY
        return self.valid_to if self.status == "issued" and self.kind != "points" else None


class Listed(Struct, frozen=True, gc=False):
    """A reward as it is listed; `taken` are the codes that the same crossing has given besides."""

    reward: GrantedReward
    taken: tuple[str, ...] = ()


def alive(rewards: Iterable[GrantedReward], place: Place) -> list[GrantedReward]:
    """Return what a crossing has given and is not revoked: never more than it gives."""
    return [one for one in rewards if one.place == place and one.status != "revoked"]


def taken(rewards: Iterable[GrantedReward], besides: GrantedReward) -> tuple[str, ...]:
    """Return the codes that the crossing of a reward has given besides it."""
    return tuple(one.code for one in alive(rewards, besides.place) if one.reward_id != besides.reward_id)


def options(choice: Choice, codes: Sequence[str]) -> tuple[tuple[Reward, ...], int]:
    """Return what is left to choose from when some codes are taken, and how many to pick."""
    return tuple(one for one in choice.among if one.code not in codes), choice.pick - len(codes)


def by_default(choice: Choice, codes: Sequence[str]) -> tuple[Reward, ...]:
    """Return what is given when nobody chooses and some codes are taken; nothing where the program names nothing."""
    named = [one for code in choice.default for one in choice.among if one.code == code]
    return tuple(one for one in named if one.code not in codes)[: choice.pick - len(codes)]


def free_parts(rewards: Iterable[GrantedReward], place: Place, most: int) -> list[int]:
    """Return the parts of a crossing that nothing stands in."""
    used = {one.part for one in alive(rewards, place)}
    return [part for part in range(1, most + 1) if part not in used]


def show_place(place: Place) -> str:
    """Write a crossing in a few words, as the reason of a journal."""
    milestone, period, ordinal = place
    return f"{milestone} {period} {ordinal}" if period else f"{milestone} {ordinal}"
