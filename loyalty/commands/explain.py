"""The explanation of an award in sentences, by the version of the program that judged the stay. Pure."""

from collections.abc import Sequence

from msgspec import Struct

from loyalty.commands.rulebook import Rulebook
from loyalty.program.visit import Why
from loyalty.program.wording import Language, Wording


class Explained(Struct, frozen=True, gc=False):
    """What a reply to a posting says of the rules."""

    program: str
    why: list[Why]


def explain(rules: Rulebook, program: str, why: Sequence[Why], language: Language) -> list[str]:
    """Return a sentence for each reason; a version that isn't known any more lends its names from the first one."""
    version = next((one for one in rules.versions if one.label == program), rules.versions[0])
    return Wording(version.definition, language).explain(why)
