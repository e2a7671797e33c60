"""The last lines of the demo: what to open, and what to try with `curl`."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.text import Text

from loyalty.demo.group import PROPERTIES
from loyalty.demo.wire import Balance
from loyalty.demo.words import Words
from loyalty.http.auth import Role

PAGES: Final = ("/docs", "/openapi.json", "/health/ready")
SHOWN: Final = ("try_balance", "try_statement", "try_offers", "try_stay")


def show_farewell(console: Console, url: str, lines: Sequence[str], words: Words) -> None:
    """Print addresses and commands. Nothing is wrapped or coloured, so that a line copies as it is."""
    console.print(Text(words("open"), style="bold"))
    for page in PAGES:
        console.print(f"  {url}{page}", highlight=False, soft_wrap=True)
    for key, line in zip(SHOWN, lines, strict=True):
        console.print(Text(f"\n{words('try')}: {words(key)}", style="bold"))
        console.print(Text(line), soft_wrap=True)
    console.print(Text(f"\n{words('stop')}", style="bold"))


def show_books(console: Console, data_dir: Path, words: Words) -> None:
    """Print how to recompute what the demo left behind."""
    console.print(words("kept"))
    console.print(Text(f"  LOYALTY_DATA_DIR={shlex.quote(str(data_dir))} loyalty verify"), soft_wrap=True)


def curl_lines(url: str, keys: Mapping[Role, str], balances: Sequence[Balance], until: date) -> list[str]:
    """A balance, a statement, what there is for points, and a new stay, of the member with the most points."""
    best = max(balances, key=lambda balance: (balance.available, balance.number))
    member = f"{url}/v1/members/{best.member_id}"
    stay = f"-H 'Content-Type: application/json' -d '{_stay_of(best.number, until)}' '{url}/v1/stays'"
    return [
        f"curl -s {_key(keys[Role.BOOKING])} '{member}/balance'",
        f"curl -s {_key(keys[Role.BOOKING])} '{member}/statement?limit=5'",
        f"curl -s {_key(keys[Role.BOOKING])} '{url}/v1/offers?member={best.member_id}'",
        f"curl -s {_key(keys[Role.PROPERTY])} {stay}",
    ]


def _key(key: str) -> str:
    return f"-H 'Authorization: Bearer {key}'"


def _stay_of(number: str, until: date) -> str:
    hotel = PROPERTIES[0]
    body = {
        "source": hotel.pms,
        "property": hotel.code,
        "stay_ref": "TRY-1",
        "member": number,
        "status": "checked_out",
        "arrival": (until - timedelta(days=2)).isoformat(),
        "departure": until.isoformat(),
        "channel": "app",
        "rate_code": "MEMBER",
        "currency": hotel.currency,
        "lines": [{"category": "room", "amount": "2360.00"}, {"category": "food", "amount": "318.50"}],
    }
    return msgspec.json.encode(body).decode()
