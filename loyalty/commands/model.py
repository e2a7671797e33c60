"""What a command is given (facts), and what it comes to (a decision or a problem)."""

from datetime import date

import msgspec
from msgspec import Struct

from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, parse
from loyalty.ledger.model import Lot, Member, MilestoneGrant
from loyalty.ledger.rules import Book, Pinned
from loyalty.members.model import SealedProfile
from loyalty.partners.accruals import Accrual
from loyalty.partners.offers import Listing, Order, Taken
from loyalty.partners.redemption import Redemption, Step, Token
from loyalty.rewards.model import GrantedReward, Place
from loyalty.stays.model import StayOnFile, StayPosting, StayRevision
from loyalty.vouchers.model import Voucher

Target = str | UUID
"""Whom a command is about: a membership number or a member id."""


class Key(Struct, frozen=True, gc=False):
    """An `Idempotency-Key` of one caller, and the fingerprint of the request sent under it."""

    principal: UUID
    key: str
    fingerprint: bytes


class Prior(Struct, frozen=True, gc=False):
    """The outcome a key already has."""

    fingerprint: bytes
    status: int
    reply: bytes


class Facts(Struct, gc=False):
    """All that a command may look at. Whoever changes any of it takes the member to the next version.

    `lots` are open lots in the order they are spent, enough for the command; all that are due, to open or to expire;
    and the lots that the stay earned (`own`) even if closed. `following` is when the first lot that isn't due opens or
    expires, where any may be due. `budgets` is what the shard has left of promotions' budgets; of those `spent` there
    is no more anywhere.
    `rewards` are those that the command may change, with all that the same crossings gave; None while nobody has asked.
    Of the `spent_rewards` some points were spent.
    `redemption` is the one that the command names, `pinned` what it has of which lots, `token` the consent it is given.
    `vouchers` are those that the command names, or all of what it takes back; or those whose time is up.
    `listing` is the offer that it is about, in the newest version or in that of the redemption; `taken` what the member
    has of it already, `referenced` the redemption that has the partner's reference. Of stock that is `spent`, so many
    are `left` all the same. `order` is what a hold asks for, unless it will be refused.
    """

    member: Member | None
    stay: StayOnFile | None = None
    prior: Prior | None = None
    lots: list[Lot] = []
    own: frozenset[UUID] = frozenset()
    following: date | None = None
    budgets: dict[str, int] = {}
    spent: frozenset[str] = frozenset()
    rewards: list[GrantedReward] | None = None
    spent_rewards: frozenset[UUID] = frozenset()
    redemption: Redemption | None = None
    pinned: list[Pinned] = []
    token: Token | None = None
    vouchers: list[Voucher] = []
    listing: Listing | None = None
    taken: list[Taken] = []
    referenced: UUID | None = None
    left: dict[str, int] = {}
    order: Order | None = None


class DirectoryEntry(Struct, frozen=True, gc=False):
    """Where a stay's natural key leads from now on; `left` is the stay id it led to before it moved."""

    posting: StayPosting
    member_id: UUID
    stay_id: UUID
    left: UUID | None = None


class Answer(Struct, frozen=True, gc=False):
    """What the caller gets: an HTTP status and the body; whether it was given before.

    `outcome` says in a word what a stay came to, for whoever counts.
    """

    status: int
    body: bytes
    replayed: bool = False
    outcome: str = ""


class Decision(Struct, gc=False):
    """What a command comes to: the answer, and the rows that make it true.

    `budgets` is what it takes of promotions' budgets or of stock, `referrer` who brought the member that it enrols.
    `redemptions` are as they are from now on, each once, with the `steps` that led there; `tokens` likewise.
    `vouchers` are as they are from now on, those that follow from `rewards` left out; `accruals` points that partners
    gave or took back.
    """

    answer: Answer
    book: Book | None = None
    enrolled: bool = False
    entry: DirectoryEntry | None = None
    revision: StayRevision | None = None
    grants: list[MilestoneGrant] = []
    events: list[Event] = []
    key: Key | None = None
    profile: SealedProfile | None = None
    budgets: dict[str, int] = {}
    referrer: UUID | None = None
    rewards: list[GrantedReward] = []
    redemptions: list[Redemption] = []
    steps: list[Step] = []
    tokens: list[Token] = []
    vouchers: list[Voucher] = []
    accruals: list[Accrual] = []


class Short(Struct, frozen=True, gc=False):
    """A promotion's budget at hand, or a stock, is too small by so many: the shard may lease some more.

    `opens` is how many there are of a stock in all, should nobody have asked for any before.
    """

    promotion: str
    points: int
    opens: int | None = None


class Unread(Struct, frozen=True, gc=False):
    """What crossings of a member's milestones have given has to be read first. Nothing was changed yet.

    Of the `regained` ones also what was taken back.
    """

    member_id: UUID
    places: tuple[Place, ...]
    regained: tuple[Place, ...] = ()


class Elsewhere(Struct, frozen=True, gc=False):
    """The stay belongs to another member: it takes a transaction that touches both."""

    member_id: UUID


class Alias(Struct, frozen=True, gc=False):
    """The member was merged: another one stands for it, perhaps in another shard."""

    member_id: UUID


class Pooled(Struct, frozen=True, gc=False):
    """The member hasn't enough, but is in this household: it takes a transaction that touches all of it."""

    household: str


class Move(Struct, frozen=True, gc=False):
    """A decision that touches two members: the answer, and what to write in which shard, in this order."""

    answer: Answer
    parts: tuple[tuple[int, Decision], ...]


Result = Decision | Problem | Elsewhere | Alias | Pooled | Short | Unread


class Balance(Struct, frozen=True, gc=False):
    """A member's points. `available` is below zero by what is owed; what is `pending` can't be spent yet."""

    available: int
    pending: int
    held: int
    debt: int


def balance_of(member: Member) -> Balance:
    """Return the points of a member as they are in memory."""
    return Balance(member.available, member.pending, member.held, member.debt)


def survivor_of(member: Member) -> UUID | None:
    """Return who stands for a member that was merged; None for one that wasn't. That one may be merged in turn."""
    name = member.traits.merged_into
    survivor = None if name is None else parse("mem", name)
    assert name is None or survivor is not None, "a merged member leads to one that stands for it"
    return survivor


def accounts_of(member: Member) -> list[UUID]:
    """Return the ids of a member and of all accounts that it stands for by now, whichever was merged first."""
    merged = [one for name in member.traits.merged if (one := parse("mem", name)) is not None]
    return [member.member_id, *merged]


def replay(prior: Prior | None, key: Key) -> Decision | Problem | None:
    """Return the outcome that a key already has; None when the key is new."""
    if prior is None:
        return None
    if prior.fingerprint != key.fingerprint:
        return Problem("idempotency_key_reused")
    return Decision(Answer(prior.status, prior.reply, replayed=True))


def settle(result: Result, key: Key | None) -> Result:
    """Make a refusal the outcome of its key, so that a retry is refused alike whatever has changed since."""
    if key is None or not isinstance(result, Problem) or result.code == "idempotency_key_reused":
        return result
    return Decision(Answer(result.status, msgspec.json.encode(result.document())), key=key)
