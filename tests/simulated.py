"""A simulation looked at member by member, and what the books themselves say."""

from datetime import datetime
from typing import Any

import msgspec

from loyalty.db import SERVICE_ROLE, connect
from loyalty.ids import UUID
from loyalty.ledger.model import BENEFIT, CAPPED, Counters
from loyalty.partners.accruals import UNIT
from loyalty.simulate.model import Ask
from loyalty.simulate.replay import Replay
from loyalty.simulate.run import Outcome, Simulation
from loyalty.simulate.worlds import Pair, Worlds
from loyalty.stays.model import Award

_LIVE_AWARDS = """
SELECT d.member_id, (SELECT r.award FROM stay_revision AS r
                     WHERE r.shard = d.shard AND r.stay_id = d.stay_id ORDER BY r.revision DESC LIMIT 1)
FROM stay_directory AS d"""
_GRANTS = "SELECT member_id, milestone, period, ordinal FROM milestone_grant WHERE status = 'granted'"


class Watched(Simulation):
    """A simulation that keeps what each member's history came to."""

    pairs: dict[UUID, Pair]

    async def _replay(self, worlds: Worlds) -> None:
        self.pairs = {}
        end = worlds.end

        def noted(pair: Pair) -> None:
            self.pairs[pair.live.member.member_id] = pair
            end(pair)

        worlds.end = noted
        await super()._replay(worlds)


async def simulated(dsn: str, ask: Ask, now: datetime) -> tuple[Outcome, dict[UUID, Pair]]:
    """Simulate; return what it comes to, and each member's replays."""
    connection = await connect(dsn, role=SERVICE_ROLE)
    try:
        simulation = Watched(connection, ask, now)
        return await simulation.run(), simulation.pairs
    finally:
        await connection.close()


def seen(replay: Replay) -> dict[str, Any]:
    """Return what a replay came to, as `on_file` says it."""
    awards = [kept.award for kept in replay.stays.values()]
    return _shown(awards, replay.member.counters, set(replay.grants))


async def on_file(dsn: str) -> tuple[dict[UUID, dict[str, Any]], dict[UUID, list[Award]]]:
    """Return what the books say of each member, and what each one's stays stand for."""
    connection = await connect(dsn)
    try:
        awards: dict[UUID, list[Award]] = {}
        for member_id, award in await connection.fetch(_LIVE_AWARDS):
            awards.setdefault(member_id, []).append(msgspec.json.decode(award, type=Award))
        grants: dict[UUID, set[Any]] = {}
        for member_id, *grant in await connection.fetch(_GRANTS):
            grants.setdefault(member_id, set()).add(tuple(grant))
        members = await connection.fetch("SELECT member_id, counters FROM member")
    finally:
        await connection.close()
    books = {
        member_id: _shown(
            awards.get(member_id, []),
            _of_stays(msgspec.json.decode(counters, type=Counters)),
            grants.get(member_id, set()),
        )
        for member_id, counters in members
    }
    return books, awards


def _of_stays(counters: Counters) -> Counters:
    """Return what was counted of stays, without gifts and the like."""
    found = {
        key: {
            unit: amount
            for unit, amount in counts.items()
            if unit not in CAPPED and not unit.startswith((BENEFIT, UNIT))
        }
        for key, counts in counters.items()
    }
    return {key: counts for key, counts in found.items() if counts}


def _shown(awards: list[Award], counters: Counters, grants: set[Any]) -> dict[str, Any]:
    return {
        "counters": counters,
        "base": sum(award.base for award in awards),
        "tier_bonus": sum(award.tier_bonus for award in awards),
        "promotion": sum(sum(award.promotions.values()) for award in awards),
        "milestones": grants,
    }
