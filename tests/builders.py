"""Factories that tests share: a small program as text, members, lots, moments and postings with sensible defaults."""

import itertools
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import msgspec

from loyalty.commands.adjust import Adjust, AdjustmentRequest
from loyalty.commands.enrol import Enrol
from loyalty.commands.model import Answer, Decision, Facts, Key, Result
from loyalty.commands.post_stay import PostStay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID, Mint, minter
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Lot, Member, Moment
from loyalty.program.model import HOUSE
from loyalty.program.reading import decode, read
from loyalty.stays.model import Award, Line, StayOnFile, StayPosting
from loyalty.stays.rules import Folio, read_folio

PRINCIPAL = UUID(bytes(15) + b"\x01")

PROGRAM = """
id = "small"
version = 1
currency = "CNY"
number_prefix = "T"
name = { en = "Small", zh = "小" }

[exchange]
JPY = "0.047"
BHD = "19.2"

[earning]
per = "1.00"
points = { room = "1", food = "1", laundry = "0.5", spa = "2.5" }

[[exclusion]]
code = "channel_excluded"
name = { en = "Agency", zh = "代理" }
channels = ["ota"]
counts = ["nights"]

[[exclusion]]
code = "free_excluded"
name = { en = "Free", zh = "免费" }
channels = ["complimentary"]

[[exclusion]]
code = "rate_excluded"
name = { en = "Rate", zh = "房价" }
rate_codes = ["STAFF*", "FREE"]

[[tier]]
code = "silver"
name = { en = "Silver", zh = "银卡" }

[[tier]]
code = "gold"
name = { en = "Gold", zh = "金卡" }
bonus_percent = 25
reach = { nights = "4", spend = "900" }

[[tier]]
code = "platinum"
name = { en = "Platinum", zh = "铂金卡" }
bonus_percent = 50
reach = { nights = "9", spend = "2500" }

[[milestone]]
code = "every_third"
name = { en = "Every third stay", zh = "每三次" }
unit = "stays"
every = "3"
reward = { code = "album", name = { en = "Album", zh = "相册" } }

[[milestone]]
code = "seven_nights"
name = { en = "Seven nights", zh = "七晚" }
unit = "nights"
every = "7"
reward = { code = "gift", name = { en = "Gift", zh = "礼" } }

[expiry]
months = 3

[limits]
nights = 60
amount = "100000"
adjustment = 5000
"""
"""A program whose thresholds are near, so that short histories cross them all."""


def small_rules(text: str = PROGRAM) -> Rulebook:
    return Rulebook(decode(text))


def house_rules() -> Rulebook:
    return Rulebook(read(HOUSE))


def changed(text: str, **replacements: str) -> str:
    """Return a program with lines `key = …` replaced."""
    lines = text.splitlines()
    for key, value in replacements.items():
        found = [place for place, line in enumerate(lines) if line.startswith(f"{key} =")]
        assert found, f"the program has no line for {key}"
        lines[found[0]] = f"{key} = {value}"
    return "\n".join(lines)


LATER = 20
"""Days after check-out from which points can be spent, in a program that has any."""


def later_rules(text: str = PROGRAM) -> Rulebook:
    """Return the small program, but with points that can't be spent at once."""
    return small_rules(changed(text, per=f'"1.00"\npending_days = {LATER}'))


IDLE = 1
"""Months after which points lapse if nothing is done, in a program that has them lapse."""


def idle_rules() -> Rulebook:
    """Return the small program with points that open later, and lapse when nothing is done."""
    text = changed(PROGRAM, per=f'"1.00"\npending_days = {LATER}', months=f"3\ninactivity_months = {IDLE}")
    return small_rules(text)


def counting_mint() -> Mint:
    """Return a mint that gives the same ids in every run."""
    ticks = itertools.count(1)
    return minter(lambda: next(ticks), lambda _: 0)


MINT = counting_mint()


def moment(today: date = date(2026, 6, 1), mint: Mint = MINT) -> Moment:
    return Moment(datetime(today.year, today.month, today.day, 12, tzinfo=UTC), today, mint)


def member(**fields: Any) -> Member:
    values: dict[str, Any] = {
        "shard": 0, "member_id": MINT(0), "number": "T1", "status": "active", "enrolled_on": date(2025, 1, 1),
        "version": 1, "available": 0, "pending": 0, "held": 0, "debt": 0, "counters": {}, "next_expiry": None,
    }  # fmt: skip
    return Member(**values | fields)


def counted(parts: Mapping[str, Mapping[str, int]]) -> Counters:
    """Return counters of what was counted on days, and in years besides."""
    counters: Counters = {}
    for key, counts in parts.items():
        for unit, amount in counts.items():
            counting.add(counters, key, unit, amount)
    return counters


def lot(owner: Member, remaining: int, expires_on: date | None = None, **fields: Any) -> Lot:
    values: dict[str, Any] = {
        "lot_id": MINT(owner.shard), "member_id": owner.member_id, "amount": remaining, "remaining": remaining,
        "expired": 0, "earned_on": date(2026, 1, 1), "expires_on": expires_on,
    }  # fmt: skip
    return Lot(**values | fields)


def lines(**amounts: str) -> list[Line]:
    return [Line(category, amount) for category, amount in amounts.items()]


def posting(**fields: Any) -> StayPosting:
    values: dict[str, Any] = {
        "source": "pms", "property": "SHA01", "stay_ref": "R-1", "member": "T1", "status": "checked_out",
        "arrival": date(2026, 5, 1), "departure": date(2026, 5, 3), "channel": "direct", "currency": "CNY",
        "lines": lines(room="100.00"),
    }  # fmt: skip
    return StayPosting(**values | fields)


def post(stay: StayPosting | None = None, target: str | UUID | None = None, **fields: Any) -> PostStay:
    stay = stay or posting(**fields)
    folio = read_folio(stay, 365)
    assert isinstance(folio, Folio)
    return PostStay(target or stay.member, stay, folio, "test")


def key(name: str = "k-1", body: bytes = b"body") -> Key:
    return Key(PRINCIPAL, name, body.ljust(32, b"."))


def adjust(points: int, **fields: Any) -> Adjust:
    request = AdjustmentRequest("T1", points, fields.pop("reason", "goodwill"), fields.pop("note", None))
    return Adjust("T1", request, "test", fields.pop("key", key()))


def enrol(number: str = "T1", shard: int = 0, **fields: Any) -> Enrol:
    values: dict[str, Any] = {"enrolled_on": None, "profile": None, "actor": "test", "key": key()}
    return Enrol(number, MINT(shard), **values | fields)


class Had(dict[str, tuple[int, int]]):
    """What other stays have had of promotions, by code: points, and in how many stays."""

    def given(self, code: str) -> int:
        return self.get(code, (0, 0))[0]

    def times(self, code: str) -> int:
        return self.get(code, (0, 0))[1]


def on_file(decision: Decision, owner: Member, *, same: bool = False) -> StayOnFile:
    """Return a stay as it is on file after a decision of `post_stay`."""
    revision = decision.revision
    assert revision is not None
    return StayOnFile(
        owner.shard, owner.member_id, revision.stay_id, revision.revision, revision.snapshot,
        msgspec.json.decode(revision.award, type=Award), revision.reply,
        (revision.snapshot, revision.reply) if same else None,
    )  # fmt: skip


def facts_after(decision: Decision, *, same: bool = False) -> Facts:
    """Return what the next posting of the same stay may look at."""
    book = decision.book
    assert book is not None
    earned = list(book.new_lots)
    return Facts(
        book.member,
        on_file(decision, book.member, same=same),
        lots=earned,
        own=frozenset(one.lot_id for one in earned),
    )


def decided(result: Result) -> Decision:
    assert isinstance(result, Decision), result
    return result


def refused(result: Result) -> tuple[str, str]:
    """Return the code of a refusal and the field it points at."""
    assert isinstance(result, Problem), result
    return result.code, result.errors[0].pointer if result.errors else ""


def reply(result: Result | Answer) -> Mapping[str, Any]:
    """Return the reply of a decision as a client reads it."""
    answer = result if isinstance(result, Answer) else decided(result).answer
    return msgspec.json.decode(answer.body)


def moves(decision: Decision) -> list[tuple[str, str, str, str, int]]:
    """Return the transfers of a decision: unit, kind, debit, credit, amount."""
    assert decision.book is not None
    return [(t.unit, t.kind, t.debit, t.credit, t.amount) for t in decision.book.transfers]
