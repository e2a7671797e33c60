"""A member as enrolled, and the personal data that is kept apart, sealed."""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

Number = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,31}$(?!\n)",
        description="A number of 1 to 32 letters, digits and hyphens, beginning with a letter or digit.",
        examples=["HX0000019"],
    ),
]
Text = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$(?!\n)",
        description="A text of 1 to 200 characters without control characters.",
    ),
]
Birthday = Annotated[
    str,
    Meta(
        pattern=r"^((0[1-9]|1[0-2])-(0[1-9]|[12][0-9])|(0[13-9]|1[0-2])-30|(0[13578]|1[02])-31)$(?!\n)",
        description="A month and day like 03-08, no year.",
        examples=["03-08"],
    ),
]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2}(-[A-Za-z]{2,4})?$(?!\n)",
        description="A language like zh or zh-Hans.",
        examples=["zh"],
    ),
]


class Profile(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What identifies a person. All of it is optional, none of it is needed by the ledger."""

    name: Text | None = None
    email: Text | None = None
    phone: Text | None = None
    birthday: Birthday | None = None
    language: Language | None = None


class EnrolRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Enrol a member; a number is made up when none is given. `referred_by` is the number of who brought this one."""

    number: Number | None = None
    enrolled_on: dt.date | None = None
    profile: Profile | None = None
    referred_by: Number | None = None


class SealedProfile(Struct, frozen=True, gc=False):
    """A profile whose fields are sealed with the member's own key, and that key with the installation's."""

    sealed_key: bytes
    name: bytes | None = None
    email: bytes | None = None
    phone: bytes | None = None
    birthday: bytes | None = None
    language: bytes | None = None


class MemberView(Struct, frozen=True, omit_defaults=True):
    """A member as the API shows it."""

    member_id: str
    number: str
    status: str
    enrolled_on: dt.date
    profile: Profile | None = None
