"""Who lives in the benchmark's databases: groups of members, each with the same number of stays behind them."""

import datetime as dt
from collections import Counter

from msgspec import Struct

from loyalty.ids import UUID, number_shard

DAYS_BACK = 700
"""All histories lie within so many days, so that no lot has expired yet and both tier years have stays."""
BEFORE_FIRST_STAY = dt.timedelta(days=5)


class Group(Struct, frozen=True):
    """Neighbouring members, `first` to `first + members - 1`, with the same number of stays each."""

    name: str
    first: int
    members: int
    stays: int

    @property
    def indexes(self) -> range:
        """The index of each member."""
        return range(self.first, self.first + self.members)

    @property
    def journals(self) -> int:
        """One for each enrolment, one for each stay."""
        return self.members * (1 + self.stays)


class Size(Struct, frozen=True, kw_only=True):
    """How large the benchmark is."""

    members: int
    journals: int
    small_members: int
    small_journals: int
    group_members: int
    long_stays: int
    short_stays: int
    rounds: int
    slice_seconds: float
    pgbench_scale: int = 20
    connections: int = 64
    batch: int = 1000
    batch_connections: int = 4


FULL = Size(
    members=200_000,
    journals=3_000_000,
    small_members=10_000,
    small_journals=30_000,
    group_members=256,
    long_stays=5000,
    short_stays=5,
    rounds=30,
    slice_seconds=1,
)
QUICK = Size(
    members=20_000,
    journals=300_000,
    small_members=10_000,
    small_journals=30_000,
    group_members=256,
    long_stays=500,
    short_stays=5,
    rounds=5,
    slice_seconds=1,
)


def main_population(size: Size) -> list[Group]:
    """Return the members everything is measured with, those of long and of short history apart.

    Each round posts for other members of short history, or they would grow a long one while being measured.
    """
    shorts = [(f"short{number}", size.group_members, size.short_stays) for number in range(size.rounds + 1)]
    special = [("long", size.group_members, size.long_stays), *shorts]
    others = sum(members * (1 + stays) for _, members, stays in special)
    return _numbered([*_crowd(size.members, size.journals - others), *special])


def small_population(size: Size) -> list[Group]:
    """Return the members of the small database to compare with."""
    return _numbered(_crowd(size.small_members, size.small_journals))


def _crowd(members: int, journals: int) -> list[tuple[str, int, int]]:
    """Spread journals over members as evenly as whole stays allow."""
    each, more = divmod(max(0, journals - members), members)
    crowd = [("crowd", more, each + 1), ("crowd", members - more, each)]
    return [group for group in crowd if group[1]]


def _numbered(groups: list[tuple[str, int, int]]) -> list[Group]:
    numbered: list[Group] = []
    first = 1
    for name, members, stays in groups:
        numbered.append(Group(name, first, members, stays))
        first += members
    return numbered


def number_of(index: int) -> str:
    """Return the membership number of a member."""
    return f"BX{index:07d}"


def member_row(index: int, stays: int, shards: int, enrolled: dt.datetime) -> tuple[int, int, UUID, str, int]:
    """Return a member as `bench.member` has it."""
    number = number_of(index)
    shard = number_shard(number, shards)
    return index, shard, member_id(index, shard, enrolled), number, stays


def member_id(index: int, shard: int, enrolled: dt.datetime) -> UUID:
    """Return an id as the service would have minted it at the enrolment: UUIDv7, the shard in its last 16 bits."""
    milliseconds = int(enrolled.timestamp() * 1000)
    return UUID((milliseconds << 80 | 7 << 76 | 2 << 62 | index << 16 | shard).to_bytes(16, "big"))


def enrolment(now: dt.datetime) -> dt.datetime:
    """Return when all members enrolled: before their first stay, at midnight UTC."""
    return dt.datetime.combine(now.date() - dt.timedelta(days=DAYS_BACK), dt.time(), dt.UTC)


def step(stays: int) -> dt.timedelta:
    """Return the time between two stays of a member; whole seconds, so that SQL adds up to the same."""
    return dt.timedelta(seconds=(DAYS_BACK - 10) * 86_400 // max(1, stays))


def ended_on(k: int, stays: int, enrolled: dt.datetime) -> dt.date:
    """Return when stay `k` (from 1) ended; it is recorded a day later."""
    return (enrolled + BEFORE_FIRST_STAY + k * step(stays)).date() - dt.timedelta(days=1)


def counters(stays: int, enrolled: dt.datetime) -> dict[str, dict[str, int]]:
    """Return what was counted by calendar year after so many stays."""
    years = Counter(str(ended_on(k, stays, enrolled).year) for k in range(1, stays + 1))
    return {year: {"nights": 20 * n, "stays": n, "spend": 141_100 * n} for year, n in years.items()}
