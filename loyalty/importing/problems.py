"""What can be wrong with an import: the whole of it, its mapping, one row, one value."""

from collections.abc import Sequence

import msgspec

__all__ = ["ImportFailedError", "MappingError", "RefusedRow", "UnusableValueError"]


class ImportFailedError(Exception):
    """The import can't run, or can't go on; the message says why and what to do."""


class MappingError(ImportFailedError):
    """The mapping has mistakes; `problems` lists every one that was found."""

    def __init__(self, name: str, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n  ".join([f"The mapping {name} can't be used:", *self.problems]))


class UnusableValueError(Exception):
    """A value of one row can't be used; becomes a refused row."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(reason)


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that was not imported: where it stands, what was wrong, and the row itself.

    `field` is the posting's field (`lines/0/amount`); `status` is ours, empty when it couldn't be read.
    """

    line: int
    code: str
    reason: str
    field: str = ""
    raw: str = ""
    status: str = ""
