"""A stay as a PMS posts it, and as it is kept.

Source of the fields: the mapping of OHIP, Mews, Apaleo, Cloudbeds and OTA messages to one snapshot.
"""

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from loyalty.ids import UUID

# `$(?!\n)` because Python's `$` also matches before a final newline; other regular expression engines read it alike.
Reference = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]([ -~]{0,62}[!-~])?$(?!\n)",
        description="A text of 1 to 64 printable ASCII characters, no space at either end.",
    ),
]
Code = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.*+/-]{1,32}$(?!\n)",
        description="A code of 1 to 32 letters, digits and `_.*+/-`.",
    ),
]
Category = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)",
        description="A name of 1 to 32 lower-case letters, digits and underscores, like room.",
    ),
]
Amount = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$(?!\n)",
        description='A decimal number like "1197.00", not negative, at most 12 digits and 3 decimals.',
        examples=["1197.00"],
    ),
]
Currency = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z]{3}$(?!\n)",
        description="An ISO 4217 code of three capital letters, like CNY.",
        examples=["CNY"],
    ),
]
MemberKey = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,40}$(?!\n)",
        description="A membership number of at most 40 letters, digits and hyphens, or a member id (`mem_…`).",
        examples=["HX0000019"],
    ),
]
Status = Literal["checked_out", "cancelled", "no_show"]
Channel = Literal[
    "direct",
    "web",
    "app",
    "phone",
    "walk_in",
    "corporate",
    "gds",
    "ota",
    "wholesale",
    "group",
    "complimentary",
]
Outcome = Literal["posted", "revised", "reversed", "unchanged", "superseded"]


class Line(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, gc=False):
    """What was charged for one revenue category, after rebates; optionally on which day."""

    category: Category
    amount: Amount
    date: dt.date | None = None


class StayPosting(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True, gc=False):
    """A stay as it now is: a snapshot, not a change. Its natural key is (source, property, stay_ref, leg)."""

    source: Code
    property: Code
    stay_ref: Reference
    member: MemberKey
    status: Status
    arrival: dt.date
    departure: dt.date
    channel: Channel
    currency: Currency
    lines: Annotated[list[Line], Meta(max_length=200)]
    leg: Annotated[int, Meta(ge=1, le=999)] = 1
    revision: Annotated[int, Meta(ge=0, le=2_147_483_646)] | None = None
    rooms: Annotated[int, Meta(ge=1, le=99)] = 1
    rate_code: Code | None = None
    room_type: Code | None = None
    booked_on: dt.date | None = None
    award_nights: Annotated[int, Meta(ge=0, le=999)] = 0


class Award(Struct, frozen=True, omit_defaults=True, gc=False):
    """What a stay stands for in the books. Nights in tenths, spend in minor units of the program's currency.

    `tier` is the tier it was judged by, `brand` the property's, `entitled` the promotions whose conditions the guest
    met (None: never asked), `seen_on` the day it was posted, if a rule asks. They are fixed when the stay is first
    seen, so that re-sent revisions in any order come out alike. `opens_on` is the day from which its points can be
    spent, if that isn't at once.
    """

    tier: str
    program: str
    effective_on: dt.date
    expires_on: dt.date | None = None
    base: int = 0
    tier_bonus: int = 0
    counts: dict[str, int] = {}
    promotions: dict[str, int] = {}
    entitled: tuple[str, ...] | None = None
    brand: str = ""
    seen_on: dt.date | None = None
    opens_on: dt.date | None = None

    @property
    def points(self) -> int:
        """All points of the stay."""
        earned = self.base + self.tier_bonus
        return earned + sum(self.promotions.values()) if self.promotions else earned


class StayOnFile(Struct, gc=False):
    """What is on file for a natural key: where it lives, its last revision, and the revision that is posted again."""

    shard: int
    member_id: UUID
    stay_id: UUID
    revision: int
    snapshot: bytes
    award: Award
    reply: bytes
    same_revision: tuple[bytes, bytes] | None = None
    """Snapshot and reply of the revision number that the posting names, when it is on file."""


class StayRevision(Struct, frozen=True, gc=False):
    """One thing that was said about a stay, and what was answered."""

    stay_id: UUID
    revision: int
    member_id: UUID
    outcome: str
    snapshot: bytes
    award: bytes
    reply: bytes
    journal_id: UUID | None
