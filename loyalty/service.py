"""The service itself: what routes, imports and jobs call. It turns requests into commands and commands into answers.

Here is what everything goes through: the program, who is meant, how a command is run; and stays, members, points and
properties. What else there is to ask for has files of its own beside this one, which take the service.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from hashlib import blake2b
from typing import Final, TypeVar

import asyncpg
import structlog
from msgspec import structs

from loyalty import ids
from loyalty.clock import Clock
from loyalty.coalesce import Coalescer
from loyalty.commands import redeeming_store, versions
from loyalty.commands.adjust import Adjust, AdjustmentRequest
from loyalty.commands.batch import Batches
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.joint import Joints
from loyalty.commands.model import (
    Alias,
    Answer,
    Decision,
    Elsewhere,
    Key,
    Move,
    Pooled,
    Result,
    Target,
    survivor_of,
)
from loyalty.commands.post_stay import PostStay
from loyalty.commands.purchase import Purchase, PurchaseRequest
from loyalty.commands.redeeming_store import Owner
from loyalty.commands.refund import Refund
from loyalty.commands.review import Review
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.verbs import Command
from loyalty.db import Connection
from loyalty.errors import Problem, together
from loyalty.ids import UUID
from loyalty.ledger import store as ledger_store
from loyalty.ledger.model import Member
from loyalty.ledger.poster import Poster
from loyalty.ledger.store import Found
from loyalty.members import store as members_store
from loyalty.members.model import EnrolRequest, Profile
from loyalty.members.numbers import make_number
from loyalty.members.vault import Vault
from loyalty.partners import store as partners_store
from loyalty.partners.catalogue import Catalogue
from loyalty.partners.redemption import Redemption
from loyalty.program import reading
from loyalty.program import store as program_store
from loyalty.program.mistakes import refusal
from loyalty.program.store import Version
from loyalty.stays import properties as property_rules
from loyalty.stays import store as stays_store
from loyalty.stays.model import StayPosting
from loyalty.stays.properties import Property
from loyalty.stays.rules import read_folio
from loyalty.stays.store import Revision
from loyalty.vouchers.codes import Codes

_log = structlog.get_logger("loyalty.service")

_Came = TypeVar("_Came")
"""What a transaction came to."""

_READY_SECONDS: Final = 2.0
_MOVE_TRIES: Final = 3
_TURNS: Final = 6
"""How often a command is sent on: to who stands for its member, or to where its stay is by now."""
# Somewhere it is already tomorrow.
_TIME_ZONES: Final = timedelta(days=1)
_RETRY_AFTER: Final = {"Retry-After": "1"}
"""Headers of an answer that may be sent again."""


class Service:
    """One program over one database."""

    def __init__(
        self, pool: asyncpg.Pool, poster: Poster[Command, Result], batches: Batches, vault: Vault, clock: Clock,
        mint: ids.Mint, pepper: bytes,
    ) -> None:  # fmt: skip
        """Wire what `open_service` has made."""
        self.pool = pool
        self.poster = poster
        self.clock = clock
        self.mint = mint
        self.settles_in = poster.deadline + 1.0
        self.bulk_turn = asyncio.Lock()
        self.joints = Joints(batches)
        self._batches = batches
        self._vault = vault
        self._pepper = pepper
        self._tomorrow = date.min
        # What a posting looks at first; a property is never removed.
        self._properties: dict[str, Property] = {}
        self._register: Coalescer[None, dict[str, Property]] = Coalescer(self._read_properties, lanes=1)
        self._members: Coalescer[Target, Found | None] = Coalescer(self._load_members)
        self.redemptions: Coalescer[UUID, Redemption | None] = Coalescer(
            partial(redeeming_store.find_redemptions, pool)
        )
        self.owners: Coalescer[UUID, Owner | None] = Coalescer(partial(redeeming_store.find_owners, pool))
        self.tokens: Coalescer[tuple[int, bytes], UUID | None] = Coalescer(
            partial(redeeming_store.find_tokens, pool)
        )

    # --- the program --------------------------------------------------------------------------------------------

    @property
    def rules(self) -> Rulebook:
        """The versions of the program, as they were last known."""
        return self._batches.rules

    @property
    def catalogue(self) -> Catalogue:
        """The partners and their offers, as they were last known."""
        return self._batches.catalogue

    @property
    def codes(self) -> Codes:
        """What makes the codes of vouchers."""
        return self._batches.codes

    async def refresh_catalogue(self) -> Catalogue:
        """Return the partners and their offers as they are: another process may have changed one a moment ago."""
        async with self.pool.acquire() as connection:
            found = await partners_store.load(connection, self.catalogue)
        if found.generation > self.catalogue.generation:
            self._batches.catalogue = found
        return self.catalogue

    async def refresh_rules(self) -> None:
        """Learn of versions that have been published or withdrawn elsewhere."""
        async with self.pool.acquire() as connection:
            if await program_store.read_generation(connection) != self.rules.generation:
                self._batches.rules = await versions.load(connection, self.rules)

    async def programs(self) -> list[Version]:
        """Return all versions, the first in force first."""
        async with self.pool.acquire() as connection:
            _, found = await program_store.read_versions(connection)
        return found

    async def publish(
        self, text: str, effective_from: date, by: str, *, dry_run: bool = False
    ) -> tuple[Version, bool]:
        """Publish a definition (TOML) as a version from a day on; return it, and whether it is new.

        Raises Problem when it can't be; a dry run only tells whether it could.
        """
        try:
            # In a thread, as a long definition takes a while to check.
            definition = await asyncio.to_thread(reading.decode, text)
        except reading.ProgramError as error:
            raise refusal(error.mistakes) from error
        one = Version(definition.version, definition.id, effective_from, text, by, self.clock.now())
        async with self.pool.acquire() as connection:
            published = await versions.publish(connection, one, definition, self.today(), dry_run=dry_run)
        await self.refresh_rules()
        return published

    async def withdraw(self, version: int) -> None:
        """Take away a version that hasn't been used; raise Problem when it can't be."""
        async with self.pool.acquire() as connection:
            await versions.withdraw(connection, version, self.today())
        await self.refresh_rules()

    # --- who is meant -------------------------------------------------------------------------------------------

    def target(self, key: str) -> Target | None:
        """Read a membership number or a member id; None when it can be neither."""
        if not key.startswith("mem_"):
            return key
        member_id = ids.parse("mem", key)
        return member_id if member_id is not None and ids.shard_of(member_id) < self.poster.shards else None

    def shard(self, target: Target) -> int:
        """Return the shard where a member lives."""
        if isinstance(target, str):
            return ids.number_shard(target, self.poster.shards)
        return ids.shard_of(target)

    def today(self) -> date:
        """Return the program's day."""
        return self.rules.today(self.clock.now())

    async def ready(self) -> bool:
        """Tell whether the database answers and every lane runs."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self.pool.fetchval("SELECT 1")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            return False
        return self.poster.alive()

    # --- commands -----------------------------------------------------------------------------------------------

    async def submit(self, command: Command) -> Answer:
        """Run a command in its member's lane, and wherever else it takes; raise Problem when it is refused."""
        return await self.conclude(command, await self.poster.submit(self.shard(command.target), command))

    async def conclude(self, command: Command, result: Result | Move) -> Answer:
        """Return what a command came to, in a transaction with other members if that is what it takes.

        Raises Problem when it is refused.
        """
        for _ in range(_TURNS):
            if isinstance(result, Alias) and isinstance(command, Refund):
                result = await self._refund(command)
                continue
            if isinstance(result, Alias):
                command = structs.replace(command, target=await self._last(result))
                result = await self.poster.submit(self.shard(command.target), command)
                continue
            if isinstance(result, Pooled) and isinstance(command, Adjust):
                result = await self._draw(command, result)
                continue
            if not isinstance(result, Elsewhere) or not isinstance(command, PostStay):
                break
            result = await self._move(command, result.member_id)
        if isinstance(result, Problem):
            raise result
        if isinstance(result, Move | Decision):
            return result.answer
        raise Problem("unavailable", "The stay is being moved between members.", headers=_RETRY_AFTER)

    async def _draw(self, command: Adjust, pooled: Pooled) -> Move | Result:
        """Post a debit that takes the points of a household."""
        household = ids.parse("hsh", pooled.household)
        found = await self.find_member(command.request.member)
        if found is None or household is None:
            return Problem("unknown_member", at="/member")
        drawer = found.member.member_id
        return await self.jointly(lambda link: self.joints.draw(link, command, drawer, household))

    async def _refund(self, command: Refund) -> Move | Result:
        """Refund what an account redeemed that was merged meanwhile: the points go on to the survivor."""
        return await self.jointly(lambda link: self.joints.refund(link, command))

    async def jointly(self, work: Callable[[Connection], Awaitable[_Came]]) -> _Came | Problem:
        """Run what touches several members in a transaction of its own, again if it lost a race."""
        for _ in range(_MOVE_TRIES):
            try:
                async with self.pool.acquire() as connection:
                    return await work(connection)
            except (asyncpg.PostgresError, OSError) as error:
                _log.warning("joint_rerun", error=repr(error))
        return Problem("unavailable", headers=_RETRY_AFTER)

    async def _move(self, command: PostStay, other: UUID) -> Move | Result:
        found = await self.find_member(command.posting.member)
        if found is None:
            return Problem("unknown_member", at="/member")
        for last in (False, True):
            try:
                async with self.pool.acquire() as connection:
                    return await self._batches.move(connection, command, found.member.member_id, other)
            except (asyncpg.PostgresError, OSError) as error:
                _log.warning("move_rerun", error=repr(error))
                if last:
                    break
        return Problem("unavailable", headers=_RETRY_AFTER)

    # --- stays --------------------------------------------------------------------------------------------------

    async def post_stay(self, posting: StayPosting, actor: str) -> Answer:
        """Record a stay; raise Problem when it is refused."""
        await self.know_properties((posting.property,))
        command = self.understand(posting, actor)
        if isinstance(command, Problem):
            raise command
        return await self.submit(command)

    async def preview_stay(self, posting: StayPosting, actor: str) -> Answer:
        """Return what a posting would be answered now, without recording it; raise Problem when it would be refused."""
        await self.know_properties((posting.property,))
        command = self.understand(posting, actor)
        if isinstance(command, Problem):
            raise command
        result = await self._preview(command)
        if isinstance(result, Alias):
            result = await self._preview(structs.replace(command, target=await self._last(result)))
        if isinstance(result, Problem):
            raise result
        if isinstance(result, Move | Decision):
            return result.answer
        raise Problem("unavailable", "The stay is being moved between members.", headers=_RETRY_AFTER)

    async def _preview(self, command: PostStay) -> Move | Result:
        async with self.pool.acquire() as connection:
            return await self._batches.preview(connection, self.shard(command.target), command)

    def understand(self, posting: StayPosting, actor: str) -> PostStay | Problem:
        """Return the command of a posting, or all that is wrong with it; `know_properties` comes first."""
        target = self.target(posting.member)
        if target is None:
            return Problem("unknown_member", at="/member")
        refusals: list[Problem] = []
        if posting.property not in self._properties:
            detail = f"There is no property {posting.property}."
            refusals.append(Problem("unknown_property", detail, at="/property"))
        rules = self.rules.at(posting.departure)
        if not rules.earning.knows(posting.currency):
            detail = f"The program has no rate for {posting.currency}."
            refusals.append(Problem("unknown_currency", detail, at="/currency"))
        folio = read_folio(posting, rules.limits.nights)
        if isinstance(folio, Problem):
            return together([*refusals, folio])
        if refusals:
            return together(refusals)
        if posting.status == "checked_out" and posting.departure > self._tomorrow:
            self._tomorrow = self.today() + _TIME_ZONES
            if posting.departure > self._tomorrow:
                detail = "A stay that is checked out can't end in the future."
                return Problem("invalid_value", detail, at="/departure")
        worth = rules.earning.exchange(sum(folio.revenue.values()), posting.currency, posting.departure)
        if worth > rules.most:
            limit = f"{rules.limits.amount} {rules.earning.currency}"
            return Problem("invalid_value", f"The stay is worth more than {limit}.", at="/lines")
        return PostStay(target, posting, folio, actor, self._properties[posting.property].brand)

    async def read_stay(self, stay_id: UUID) -> list[Revision]:
        """Return a stay's revisions, newest first; none when there is no such stay."""
        if ids.shard_of(stay_id) >= self.poster.shards:
            return []
        return await stays_store.read_stay(self.pool, ids.shard_of(stay_id), stay_id)

    # --- members ------------------------------------------------------------------------------------------------

    async def enrol(self, request: EnrolRequest, actor: str, key: Key | None) -> Answer:
        """Enrol a member; raise Problem when it is refused."""
        if request.enrolled_on is not None and request.enrolled_on > self.today():
            raise Problem("invalid_value", "The day of enrolment is in the future.", at="/enrolled_on")
        # A number that we make up follows from the key, so that a retry asks for the same member.
        number = request.number or self._made_up_number(key)
        member_id = self.mint(self.shard(number))
        profile = self._vault.seal(member_id, request.profile) if request.profile else None
        referrer = await self._referrer(request.referred_by) if request.referred_by else None
        birthday = request.profile.birthday if request.profile else None
        birth_month = int(birthday[:2]) if birthday else None
        command = Enrol(number, member_id, request.enrolled_on, profile, actor, key, referrer, birth_month)
        return await self.submit(command)

    async def _referrer(self, number: str) -> UUID:
        """Return who brings a new member; raise Problem when there is nobody of this number."""
        found = await self.find_member(number)
        if found is None:
            raise Problem("unknown_member", at="/referred_by")
        return found.member.member_id

    def _made_up_number(self, key: Key | None) -> str:
        if key is None:
            digits = secrets.randbelow(10**9)
        else:
            seed = blake2b(key.principal.bytes + key.key.encode(), key=self._pepper, digest_size=8).digest()
            digits = int.from_bytes(seed, "big")
        return make_number(self.rules.at(self.today()).definition.number_prefix, digits)

    async def find_member(self, key: str) -> Found | None:
        """Return a member by number or id, read after the call; for one that was merged, who stands for it."""
        target = self.target(key)
        found = None if target is None else await asyncio.shield(self._members.get(target))
        seen: set[UUID] = set()
        while found is not None and (survivor := survivor_of(found.member)) is not None:
            assert survivor not in seen, "an account isn't merged into one that it stands for"
            seen.add(survivor)
            found = await asyncio.shield(self._members.get(survivor))
        return found

    async def survivor(self, member_id: UUID | None) -> UUID | None:
        """Return the account that stands for a member by now: its own, unless it was merged into another."""
        found = None if member_id is None else await self.find_member(ids.show("mem", member_id))
        return found.member.member_id if found is not None else member_id

    async def _last(self, alias: Alias) -> UUID:
        """Return the account that isn't merged in turn, of those that stand for a member."""
        return await self.survivor(alias.member_id) or alias.member_id

    async def find_members(self, keys: Iterable[str]) -> list[Found | None]:
        """Return members by number or id, in order."""
        return await asyncio.gather(*(self.find_member(key) for key in keys))

    async def profile(self, member: Member) -> Profile | None:
        """Return what identifies a member; None when nothing was given, or when it was erased."""
        sealed = await members_store.read_profile(self.pool, member.shard, member.member_id)
        return None if sealed is None else self._vault.open(member.member_id, sealed)

    async def _load_members(self, targets: Sequence[Target]) -> list[Found | None]:
        return await ledger_store.read_members(
            self.pool,
            [self.shard(target) for target in targets],
            [None if isinstance(target, str) else target for target in targets],
            [target if isinstance(target, str) else None for target in targets],
            choices=any(version.offers_choices for version in self.rules.versions),
        )

    # --- points -------------------------------------------------------------------------------------------------

    async def adjust(
        self, request: AdjustmentRequest, actor: str, key: Key, person: UUID | None = None
    ) -> Answer:
        """Credit or debit points by hand; `person` holds the caller's key. Raise Problem when it is refused."""
        target = self.target(request.member)
        if target is None:
            raise Problem("unknown_member", at="/member")
        return await self.submit(Adjust(target, request, actor, key, person))

    async def purchase(
        self, request: PurchaseRequest, actor: str, key: Key, person: UUID | None = None
    ) -> Answer:
        """Credit points that were paid for; `person` holds the caller's key. Raise Problem when it is refused."""
        target = self.target(request.member)
        if target is None:
            raise Problem("unknown_member", at="/member")
        return await self.submit(Purchase(target, request, actor, key, person))

    async def expire(self, member_id: UUID) -> None:
        """Open and expire what a member has that is due."""
        await self.submit(Expire(member_id))

    async def review(self, member_id: UUID) -> None:
        """Review a member's tier, if it is due."""
        await self.submit(Review(member_id))

    # --- properties ---------------------------------------------------------------------------------------------

    async def properties(self) -> dict[str, Property]:
        """Return all properties by code, as they are: another worker may have added one a moment ago."""
        return await asyncio.shield(self._register.get(None))

    async def property(self, code: str) -> Property | None:
        """Return a property as it is; None when there is none."""
        return (await self.properties()).get(code)

    async def know_properties(self, codes: Iterable[str]) -> None:
        """Look for properties in the register unless they are known: one may have been added a moment ago."""
        if any(code not in self._properties for code in codes):
            await self.properties()

    async def require_property(self, code: str | None) -> None:
        """Raise Problem unless the property that is named, if one is, is in the register."""
        if code is None:
            return
        await self.know_properties((code,))
        if code not in self._properties:
            raise Problem("unknown_property", f"There is no property {code}.", at="/property")

    async def register(self, one: Property) -> None:
        """Add a property or change what is known of it; raise Problem when it can't be."""
        problem = property_rules.check(one)
        if problem is not None:
            raise problem
        if not self.rules.at(self.today()).earning.knows(one.currency):
            raise Problem("unknown_currency", f"The program has no rate for {one.currency}.", at="/currency")
        await stays_store.write_property(self.pool, one)
        await self.properties()

    async def _read_properties(self, _: Sequence[None]) -> list[dict[str, Property]]:
        self._properties = await stays_store.read_properties(self.pool)
        return [self._properties]

    # --- keys ---------------------------------------------------------------------------------------------------

    def key(self, principal: UUID, key: str, body: bytes) -> Key:
        """Bind an idempotency key to a request. The fingerprint is keyed, as bodies may hold personal data."""
        return Key(principal, key, blake2b(body, key=self._pepper, digest_size=32).digest())

    def secret(self, key: Key, purpose: bytes) -> bytes:
        """Return 32 bytes that nobody can guess and that follow from an idempotency key: a retry gets the same."""
        seed = key.principal.bytes + key.fingerprint + key.key.encode()
        return blake2b(seed, key=self._pepper, person=purpose, digest_size=32).digest()
