"""A posting as it is read back from the books: it was checked when it came. Checking its texts again is slow."""

from loyalty.stays.model import Line, StayPosting


class RecordedLine(Line, frozen=True, gc=False, kw_only=True):
    """A line whose texts are taken as they are."""

    category: str
    amount: str


class Recorded(StayPosting, frozen=True, gc=False, kw_only=True):
    """A posting whose texts are taken as they are."""

    source: str
    property: str
    stay_ref: str
    member: str
    currency: str
    lines: list[RecordedLine]  # pyright: ignore[reportIncompatibleVariableOverride] - nobody adds a line
    rate_code: str | None = None
    room_type: str | None = None
