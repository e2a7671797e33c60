"""The guide for the PMS tells of every field of a stay, and of no other."""

import re
from pathlib import Path

from msgspec.structs import fields

from loyalty.stays.model import StayPosting

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "pms.md").read_text("utf-8")


def test_the_guide_tells_of_every_field_of_a_stay() -> None:
    rows = re.findall(
        r"^\| (`.*?) \| ?(.*?) \| .* \|$", GUIDE.partition("\n## Send it twice")[0], re.MULTILINE
    )
    told = {field: needed == "required" for names, needed in rows for field in re.findall(r"`(\w+)`", names)}

    assert {one.encode_name: one.required for one in fields(StayPosting)} == told
