"""What the books say of a member and of a stay, as read in one snapshot, to be computed again."""

from datetime import datetime

from msgspec import Struct

from loyalty.commands.household import Household
from loyalty.ids import UUID
from loyalty.ledger.model import Allocation, Journal, Lot, Member, Traits, Transfer
from loyalty.partners.redemption import Redemption, Step
from loyalty.rewards.model import GrantedReward
from loyalty.vouchers.model import Voucher


class Entry(Struct, gc=False):
    """A journal with all that hangs on it. `lot` is what it earned, as it is now; `leaf` its hash that waits."""

    journal: Journal
    at: datetime
    transfers: list[Transfer] = []
    allocations: list[Allocation] = []
    lot: Lot | None = None
    leaf: bytes | None = None


class Grant(Struct, frozen=True, gc=False):
    """A milestone as the books have it."""

    milestone: str
    ordinal: int
    status: str
    period: str = ""


class KeptVoucher(Struct, frozen=True, gc=False):
    """A voucher as stored, and the hash of its code."""

    voucher: Voucher
    code_hash: bytes


class Captured(Struct, frozen=True, gc=False):
    """How many of a redemption were captured and refunded, and whether its version of the offer gives vouchers."""

    redemption_id: UUID
    offer: str
    partner: str
    captured: int
    refunded: int
    vouchers: bool


class History(Struct, gc=False):
    """A member as stored, and the journals in the order of their versions; redemptions with their steps in order.

    `taken_back` names the lots of partners' points that journals took back.
    """

    member: Member
    entries: list[Entry]
    grants: list[Grant] = []
    rewards: list[GrantedReward] = []
    redemptions: list[Redemption] = []
    steps: list[Step] = []
    taken_back: dict[UUID, UUID] = {}
    vouchers: list[KeptVoucher] = []
    captured: list[Captured] = []

    @property
    def held(self) -> int:
        """The sum of what is held by open redemptions."""
        return sum([one.points for one in self.redemptions if one.status == "held"])


class Revision(Struct, frozen=True, gc=False):
    """One thing that was said about a stay; `snapshot` and `award` are JSON as stored."""

    shard: int
    stay_id: UUID
    revision: int
    member_id: UUID
    outcome: str
    snapshot: str
    award: str
    journal_id: UUID | None
    recorded_at: datetime


class NaturalKey(Struct, frozen=True, gc=False):
    """The part of a snapshot by which the directory knows the stay."""

    source: str
    property: str
    stay_ref: str
    leg: int = 1


class Place(Struct, frozen=True, gc=False):
    """Where the directory leads."""

    shard: int
    member_id: UUID
    stay_id: UUID


class StayFile(Struct, gc=False):
    """A stay: its revisions in order, its journals in order, and where its natural key leads."""

    stay_id: UUID
    revisions: list[Revision]
    entries: list[Entry]
    place: Place | None = None


class Person(Struct, frozen=True, gc=False):
    """Another member, as far as whoever names it has to know."""

    status: str
    traits: Traits


People = dict[UUID, Person]


class OtherHalf(Struct, frozen=True, gc=False):
    """The journal that another one names as its other half: whose it is, what it names, what it left in transit."""

    member_id: UUID
    linked_id: UUID | None
    transit: dict[str, int] = {}


class Posted(Struct, frozen=True, gc=False):
    """A journal that moved points without a stay: whose it is, by whom and when. `named`: by how many proposals.

    An adjustment of settlement is of `money` owed to a `partner`, too, in minor units.
    """

    journal_id: UUID
    member_id: UUID
    kind: str
    actor: str
    at: datetime
    points: int
    named: int = 0
    partner: str = ""
    money: int = 0


class Promise(Struct, frozen=True, gc=False):
    """A referral as it is on file."""

    member_id: UUID
    referrer_id: UUID
    status: str
    journal_id: UUID | None


class Union(Struct, frozen=True, gc=False):
    """A merge as it is on file.

    `journals` of the survivor are of the versions that it made, recorded at so many `instants`; `standing` is how often
    the account is on file as merged into this survivor.
    """

    merge_id: UUID
    member_id: UUID
    into_id: UUID
    first: int
    last: int
    status: str
    journals: int
    instants: int
    standing: int


class Batch(Struct, gc=False):
    """Members of one shard, up to an id, in one snapshot. `stray` are journals of members that aren't there.

    `partners` are the journals that others name as their other half; `people` and `households` those that members name.
    """

    shard: int
    upto: UUID
    last: bool
    histories: list[History]
    stays: list[StayFile]
    stray: list[UUID]
    partners: dict[UUID, OtherHalf]
    people: People
    households: dict[UUID, Household]


class Account(Struct, frozen=True, gc=False):
    """An account of a shard: as stored, and as its transfers fold."""

    account: str
    unit: str
    stored: int
    folded: int


class Kept(Struct, frozen=True, gc=False):
    """An idempotency key with the reply that is its outcome."""

    principal: UUID
    key: str
    status: int
    reply: str


class Moved(Struct, gc=False):
    """What the transfers of one journal moved on the member's points.

    `up` and `down` are what was earned or spent; `lost` what expired, `undone` what of that was taken back; all on what
    is available and what is pending alike. `change` and `pending` are what the two came to, `matured` what went from
    the one to the other. `back` is what a redemption gave back.
    """

    up: int = 0
    down: int = 0
    back: int = 0
    lost: int = 0
    undone: int = 0
    held: int = 0
    change: int = 0
    pending: int = 0
    matured: int = 0
