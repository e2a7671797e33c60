"""`/v1/programs/simulate`: what another definition would have made of the recorded history."""

import datetime as dt
from typing import Annotated

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from loyalty.errors import Problem
from loyalty.http.problems import problem_responses
from loyalty.simulate.apart import simulate_apart
from loyalty.simulate.child import Request
from loyalty.simulate.model import SimulationReply


class SimulationRequest(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"from_": "from"}
):
    """A definition, as the text of its TOML file, or the number of a version that is published; and the check-outs.

    `from`: the first day it is in force. `until`: check-outs after this day are left out.
    """

    definition: Annotated[str, Meta(min_length=1, max_length=1_000_000)] | None = None
    version: Annotated[int, Meta(ge=1)] | None = None
    from_: dt.date
    until: dt.date | None = None


@post(
    "/v1/programs/simulate", tags=["Programs"], status_code=200,
    responses=problem_responses(
        "invalid_program", "unknown_version", "nothing_to_simulate", "invalid_value", "simulation_running",
        "deadline_exceeded",
    ),
)  # fmt: skip
async def simulate_program(data: JSONBody[SimulationRequest]) -> SimulationReply:
    """Replay the recorded history under a definition, and compare with the live rules. The books aren't touched."""
    if (data.definition is None) == (data.version is None):
        raise Problem("invalid_value", "Name either a definition or a version.", at="/definition")
    return await simulate_apart(Request(data.from_, data.until, data.definition, data.version))
