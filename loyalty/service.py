"""The service itself: what routes, imports and jobs call. It turns requests into commands and commands into answers."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Final

import asyncpg
import structlog
from msgspec import Struct, structs

from loyalty import ids, metrics
from loyalty.clock import Clock, SystemClock
from loyalty.coalesce import Coalescer
from loyalty.commands import balance, moving_store, redeeming_store, versions
from loyalty.commands import store as commands_store
from loyalty.commands.adjust import Adjust, AdjustmentRequest
from loyalty.commands.balance import BalanceView
from loyalty.commands.batch import Batches
from loyalty.commands.benefit import ReturnBenefit, ReturnRequest, UseBenefit, UseRequest
from loyalty.commands.choose import Choose, ChooseRequest
from loyalty.commands.enrol import Enrol
from loyalty.commands.expire import Expire
from loyalty.commands.household import joined
from loyalty.commands.joint import Joints
from loyalty.commands.lapse import Lapse
from loyalty.commands.model import Alias, Answer, Decision, Elsewhere, Key, Move, Pooled, Result, Target
from loyalty.commands.post_stay import PostStay
from loyalty.commands.purchase import Purchase, PurchaseRequest
from loyalty.commands.review import Review
from loyalty.commands.rewarding import RewardView
from loyalty.commands.rewarding import view as show_reward
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.use import Occasion, UseReward
from loyalty.commands.verbs import Command
from loyalty.db import SERVICE_ROLE, connect, connect_pool
from loyalty.errors import Problem, together
from loyalty.events import store as events_store
from loyalty.events.store import Warnings
from loyalty.ids import UUID
from loyalty.ledger import store as ledger_store
from loyalty.ledger.model import Member, Spares
from loyalty.ledger.poster import Poster
from loyalty.ledger.store import Entry, Found
from loyalty.members import store as members_store
from loyalty.members.model import EnrolRequest, Profile
from loyalty.members.numbers import make_number
from loyalty.members.vault import Vault
from loyalty.partners import store as partners_store
from loyalty.partners.catalogue import Catalogue
from loyalty.partners.redemption import Redemption
from loyalty.program import reading
from loyalty.program import store as program_store
from loyalty.program.model import HOUSE
from loyalty.program.store import Version
from loyalty.rewards import store as rewards_store
from loyalty.settings import Settings
from loyalty.stays import properties as property_rules
from loyalty.stays import store as stays_store
from loyalty.stays.model import StayPosting
from loyalty.stays.properties import Property
from loyalty.stays.rules import read_folio
from loyalty.stays.store import Revision
from loyalty.vouchers.codes import Codes

_log = structlog.get_logger("loyalty.service")

_READY_SECONDS: Final = 2.0
_MOVE_TRIES: Final = 3
_MOST_MERGES: Final = 20
"""How often an account is merged into one that is merged in turn: more is a circle, which there is none."""
# Somewhere it is already tomorrow.
_TIME_ZONES: Final = timedelta(days=1)
_DAY: Final = timedelta(days=1)
_BATCH_BYTES: Final = 1 << 20
"""What a full batch may take on its way to PostgreSQL: it goes in one piece, and Python turns to the next at once."""
_RETRY_AFTER: Final = {"Retry-After": "1"}
"""Headers of an answer that may be sent again."""


class RewardOf(Struct, frozen=True, gc=False):
    """A reward as people read it, and whose it is."""

    reward_id: UUID
    member_id: UUID
    number: str
    shown: RewardView


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
        self.settles_in = poster.deadline + 1.0
        self.bulk_turn = asyncio.Lock()
        self.joints = Joints(batches)
        self._batches = batches
        self._vault = vault
        self._mint = mint
        self._pepper = pepper
        self._tomorrow = date.min
        # What a posting looks at first; a property is never removed.
        self._properties: dict[str, Property] = {}
        self._register: Coalescer[None, dict[str, Property]] = Coalescer(self._read_properties, lanes=1)
        self._members: Coalescer[Target, Found | None] = Coalescer(self._load_members)
        self.redemptions: Coalescer[UUID, Redemption | None] = Coalescer(
            partial(redeeming_store.find_redemptions, pool)
        )
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
            definition = reading.decode(text)
        except reading.ProgramError as error:
            raise Problem("invalid_program", str(error), at="/definition") from error
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

    # --- stays --------------------------------------------------------------------------------------------------

    async def post_stay(self, posting: StayPosting, actor: str) -> Answer:
        """Record a stay; raise Problem when it is refused."""
        await self.know_properties((posting.property,))
        command = self.understand(posting, actor)
        if isinstance(command, Problem):
            raise command
        return await self.conclude(command, await self.poster.submit(self.shard(command.target), command))

    async def preview_stay(self, posting: StayPosting, actor: str) -> Answer:
        """Return what a posting would be answered now, without recording it; raise Problem when it would be refused."""
        await self.know_properties((posting.property,))
        command = self.understand(posting, actor)
        if isinstance(command, Problem):
            raise command
        async with self.pool.acquire() as connection:
            result = await self._batches.preview(connection, self.shard(command.target), command)
            for _ in range(_MOST_MERGES):
                if not isinstance(result, Alias):
                    break
                command = structs.replace(command, target=result.member_id)
                result = await self._batches.preview(connection, self.shard(command.target), command)
        if isinstance(result, Problem):
            raise result
        if isinstance(result, Move | Decision):
            return result.answer
        raise Problem("unavailable", "The stay is being moved between members.", headers=_RETRY_AFTER)

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

    async def conclude(self, command: Command, result: Result | Move) -> Answer:
        """Return what a command came to, moving the stay between members if that is what it takes.

        Raises Problem when it is refused.
        """
        for _ in range(_MOVE_TRIES + _MOST_MERGES):
            if isinstance(result, Alias):
                # Whoever merges once may be merged again: the next one is only one look away.
                command = structs.replace(command, target=result.member_id)
                result = await self.poster.submit(self.shard(result.member_id), command)
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
        for _ in range(_MOVE_TRIES):
            try:
                async with self.pool.acquire() as connection:
                    return await self.joints.draw(connection, command, found.member.member_id, household)
            except (asyncpg.PostgresError, OSError) as error:
                _log.warning("draw_rerun", error=repr(error))
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
        shard = ids.number_shard(number, self.poster.shards)
        member_id = self._mint(shard)
        profile = self._vault.seal(member_id, request.profile) if request.profile else None
        referrer = await self._referrer(request.referred_by) if request.referred_by else None
        birthday = request.profile.birthday if request.profile else None
        birth_month = int(birthday[:2]) if birthday else None
        command = Enrol(number, member_id, request.enrolled_on, profile, actor, key, referrer, birth_month)
        return await self.conclude(command, await self.poster.submit(shard, command))

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
        for _ in range(_MOST_MERGES):
            if found is None or found.member.traits.merged_into is None:
                break
            survivor = ids.parse("mem", found.member.traits.merged_into)
            assert survivor is not None, "a merged member leads to one that stands for it"
            found = await asyncio.shield(self._members.get(survivor))
        return found

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

    # --- balances and statements --------------------------------------------------------------------------------

    def balance(self, found: Found, today: date | None = None) -> BalanceView:
        """Return a member's balance today; `today` saves asking the clock again."""
        return balance.view(
            self.rules, found.member, found.expiring, today or self.today(), found.opening, found.choices
        )

    async def pool_of(self, member: Member) -> int | None:
        """Return what the household of a member has to spend; None for whoever is in none."""
        household_id = ids.parse("hsh", member.traits.household) if member.traits.household else None
        household = await moving_store.read_household(self.pool, household_id) if household_id else None
        if household is None:
            return None
        found = await self.find_members(ids.show("mem", one) for one in joined(household))
        return sum(max(0, self.balance(one).available) for one in found if one is not None)

    async def balance_as_of(
        self, member: Member, effective_by: date, known_at: datetime | None
    ) -> BalanceView:
        """Return a member's balance on a day, as it was known at an instant (now, if None).

        For an instant the answer never changes: a batch is recorded at most the deadline after its clock was read,
        so an instant that recent is waited for.
        """
        now = self.clock.now()
        if known_at is not None and (left := self.settles_in - (now - known_at).total_seconds()) > 0:
            await asyncio.sleep(left)
        async with self.pool.acquire() as connection:
            then = await ledger_store.fold(
                connection, member, effective_by, known_at or now, by_day=self.rules.by_day
            )
        opening, expiring = sum(points for _, _, points in then.opening), then.expiring
        # All days are there again, so no tier has to stand for those that were left out.
        statuses = tuple(one for one in member.traits.statuses if one.kind != "earned")
        as_of = structs.replace(
            member, available=then.points - opening, pending=opening, held=then.held, debt=then.debt,
            counters=then.counters,
            next_expiry=expiring[0][0] if expiring else None,
            # When points will lapse depends on what is done until then: for an instant it isn't told.
            active_on=member.active_on if known_at is None else None,
            traits=structs.replace(member.traits, statuses=statuses),
        )  # fmt: skip
        return balance.view(self.rules, as_of, expiring, effective_by, then.opening)

    async def statement(self, member: Member, before: int, limit: int) -> list[Entry]:
        """Return a page of a member's journals before a version, newest first."""
        return await ledger_store.read_statement(self.pool, member.shard, member.member_id, before, limit)

    async def adjust(self, request: AdjustmentRequest, actor: str, key: Key) -> Answer:
        """Credit or debit points by hand; raise Problem when it is refused."""
        target = self.target(request.member)
        if target is None:
            raise Problem("unknown_member", at="/member")
        command = Adjust(target, request, actor, key)
        return await self.conclude(command, await self.poster.submit(self.shard(target), command))

    async def purchase(self, request: PurchaseRequest, actor: str, key: Key) -> Answer:
        """Credit points that were paid for; raise Problem when it is refused."""
        target = self.target(request.member)
        if target is None:
            raise Problem("unknown_member", at="/member")
        return await self.submit(Purchase(target, request, actor, key))

    async def submit(self, command: Command) -> Answer:
        """Run a command in its member's lane; raise Problem when it is refused."""
        return await self.conclude(command, await self.poster.submit(self.shard(command.target), command))

    async def expire(self, member_id: UUID) -> None:
        """Open and expire what a member has that is due."""
        command = Expire(member_id)
        await self.conclude(command, await self.poster.submit(ids.shard_of(member_id), command))

    async def warn(self, shard: int) -> int:
        """Tell of points of a shard's members that are about to be lost; return how many events that took.

        Each day has its warnings, and those of days that were missed come later.
        """
        today, written = self.today(), 0
        if not self.rules.at(today).definition.expiry.warn_days:
            return 0
        async with self.pool.acquire() as connection:
            last = await events_store.last_warned(connection, shard)
            ahead = max(
                day for rules in self.rules.versions for day in (0, *rules.definition.expiry.warn_days)
            )
            day = today if last is None else max(last + _DAY, today - timedelta(days=ahead))
            while day <= today:
                written += await events_store.warn(
                    connection, shard, self._warnings(day), today, self._mint, self.clock.now()
                )
                day += _DAY
        return written

    def _warnings(self, day: date) -> Warnings:
        rules = self.rules.at(day)
        idling = rules.idling
        return Warnings(
            day, rules.definition.expiry.warn_days, idling and idling.months,
            idling and max(idling.since, versions.BEGINNING),
            None if rules.spares is None else partial(self._spared, rules.spares),
        )  # fmt: skip

    async def _spared(self, spares: Spares, members: Sequence[UUID], day: date) -> list[UUID]:
        """Return those of some members whose points stay although they would lapse on a day."""
        shards = [ids.shard_of(one) for one in members]
        found = await ledger_store.read_members(
            self.pool, shards, members, [None] * len(members), choices=False
        )
        return [one.member.member_id for one in found if one and spares(one.member, day)]

    async def review(self, member_id: UUID) -> None:
        """Review a member's tier, if it is due."""
        command = Review(member_id)
        await self.conclude(command, await self.poster.submit(ids.shard_of(member_id), command))

    # --- rewards ------------------------------------------------------------------------------------------------

    async def rewards(
        self, member: Member, before: UUID, statuses: Sequence[str] | None, limit: int
    ) -> list[RewardOf]:
        """Return a page of a member's rewards before one, newest first; all statuses if None."""
        page = await rewards_store.list_rewards(
            self.pool, member.shard, member.member_id, before, statuses, limit
        )
        return [
            RewardOf(
                one.reward.reward_id, member.member_id, member.number,
                show_reward(self.rules, one.reward, one.taken),
            ) for one in page
        ]  # fmt: skip

    async def flagged_rewards(self, before: UUID, limit: int) -> list[RewardOf]:
        """Return a page of rewards that were used and then lost their milestone, before one, newest first."""
        page = await rewards_store.list_flagged(self.pool, before, limit)
        return [
            RewardOf(one.reward_id, one.member_id, number, show_reward(self.rules, one))
            for one, number in page
        ]

    async def choose(
        self, member_id: UUID, reward_id: UUID, request: ChooseRequest, actor: str, key: Key
    ) -> Answer:
        """Choose a reward; raise Problem when it is refused."""
        return await self.submit(Choose(member_id, reward_id, request, actor, key))

    async def use_reward(
        self, member_id: UUID, reward_id: UUID, occasion: Occasion, actor: str, key: Key
    ) -> Answer:
        """Use a reward, once; raise Problem when it is refused."""
        await self._know(occasion)
        return await self.submit(UseReward(member_id, reward_id, occasion, actor, key))

    async def use_benefit(
        self, member_id: UUID, code: str, request: UseRequest, actor: str, key: Key
    ) -> Answer:
        """Use a benefit of the tier that is counted; raise Problem when it is refused."""
        await self._know(request)
        return await self.submit(UseBenefit(member_id, code, request, actor, key))

    async def return_benefit(
        self, member_id: UUID, code: str, request: ReturnRequest, actor: str, key: Key
    ) -> Answer:
        """Give back uses of a benefit; raise Problem when it is refused."""
        await self._know(request)
        return await self.submit(ReturnBenefit(member_id, code, request, actor, key))

    async def add_missing_vouchers(self) -> None:
        """Give vouchers to rewards of a time when there were none."""
        for shard in range(self.poster.shards):
            await commands_store.add_missing_vouchers(self.pool, shard, self.codes, self.clock.now())

    async def lapse(self, member_id: UUID) -> None:
        """Do what is due about a member's rewards and vouchers."""
        await self.submit(Lapse(member_id))

    async def _know(self, occasion: Occasion) -> None:
        """Raise Problem unless the property that is named, if one is, is in the register."""
        code = occasion.property
        if code is None:
            return
        await self.know_properties((code,))
        if code not in self._properties:
            raise Problem("unknown_property", f"There is no property {code}.", at="/property")

    def key(self, principal: UUID, key: str, body: bytes) -> Key:
        """Bind an idempotency key to a request. The fingerprint is keyed, as bodies may hold personal data."""
        return Key(principal, key, blake2b(body, key=self._pepper, digest_size=32).digest())

    def secret(self, key: Key, purpose: bytes) -> bytes:
        """Return 32 bytes that nobody can guess and that follow from an idempotency key: a retry gets the same."""
        seed = key.principal.bytes + key.fingerprint + key.key.encode()
        return blake2b(seed, key=self._pepper, person=purpose, digest_size=32).digest()

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


@asynccontextmanager
async def open_service(
    settings: Settings, dsn: str, clock: Clock | None = None, rules: Rulebook | None = None
) -> AsyncGenerator[Service]:
    """Open the service on a migrated database; on leaving, what waits is run before the connections close.

    The program's versions are the database's; an empty one begins with the definition that the settings name. `rules`
    are used as they are instead.
    """
    clock = clock or SystemClock()
    key = settings.vault_key_bytes()
    mint = ids.minter()
    pool = await connect_pool(dsn, size=settings.pool_size, role=SERVICE_ROLE)
    try:
        batches = Batches(rules or await _know_rules(pool, settings, clock), clock, mint, Codes(key))
        shards = await pool.fetchval("SELECT count(*) FROM shard")
        poster = Poster(
            lambda: connect(
                dsn, role=SERVICE_ROLE, application_name="loyalty poster",
                statement_timeout_ms=settings.deadline_ms, by_key=True, send_buffer=_BATCH_BYTES,
            ), batches.run,
            shards=shards, queue_limit=settings.queue_limit, batch_limit=settings.batch_limit,
            deadline=settings.deadline_ms / 1000,
        )  # fmt: skip
        await poster.start()
        metrics.watch_pool(pool.get_size, pool.get_idle_size)
        service = Service(pool, poster, batches, Vault(key), clock, mint, key)
        try:
            await service.properties()
            await service.add_missing_vouchers()
            yield service
        finally:
            await poster.stop()
    finally:
        await pool.close()


async def _know_rules(pool: asyncpg.Pool, settings: Settings, clock: Clock) -> Rulebook:
    """Return the rules in the database; in an empty one, first publish the definition that the settings name."""
    async with pool.acquire() as connection:
        _, found = await program_store.read_versions(connection)
        if not found:
            await versions.begin(connection, _first_definition(settings), "settings", clock.now())
        return await versions.load(connection)


def _first_definition(settings: Settings) -> str:
    """Return the text of the definition to begin with; raise ProgramError when it can't hold."""
    path = settings.program or HOUSE
    reading.read(path)
    return path.read_text(encoding="utf-8")
