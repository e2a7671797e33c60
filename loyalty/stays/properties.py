"""A property: a hotel that posts stays. Its time zone says on which day a guest checks out."""

from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from loyalty.errors import Problem
from loyalty.stays.model import Code, Currency

Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)",
        description="A text of 1 to 200 characters without control characters.",
    ),
]


Brand = Annotated[
    str,
    Meta(
        pattern=r"^([a-z][a-z0-9_]{0,31})?$(?!\n)",
        description="A brand, by which the program may have rules: at most 32 lower-case letters, digits and "
        "underscores, a letter first; or an empty text.",
        examples=["hampton"],
    ),
]


class PropertyName(Struct, frozen=True, forbid_unknown_fields=True):
    """What people read, in English and Chinese."""

    en: Label
    zh: Label


class Property(Struct, frozen=True, forbid_unknown_fields=True):
    """A hotel as the register knows it."""

    code: Code
    name: PropertyName
    time_zone: Annotated[str, Meta(examples=["Asia/Shanghai"], max_length=64)]
    currency: Currency
    brand: Brand = ""


def check(one: Property) -> Problem | None:
    """Return what is wrong with a property beyond its form, if anything."""
    try:
        ZoneInfo(one.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return Problem("invalid_value", f"{one.time_zone!r} is no IANA time zone.", at="/time_zone")
    return None
