"""`loyalty keys`: create, list and revoke API keys."""

# rich_click's decorators are only half typed.
# pyright: reportUnknownMemberType=false

from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import rich_click as click
from rich.console import Console
from rich.table import Table

from loyalty import ids
from loyalty.http.auth import QUERIES, Role, key_hash, make_key, show_id
from loyalty.ids import UUID
from loyalty.terminal import with_database

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class NewKey(msgspec.Struct, frozen=True):
    """A key that was just made: the only moment at which the key itself is known."""

    key_id: str
    key: str
    role: Role
    name: str
    properties: list[str]
    partner: str = ""
    member_id: str = ""


@click.group()
def keys() -> None:
    """Create, list and revoke API keys."""


@keys.command()
@click.option(
    "--role", required=True, type=click.Choice([str(role) for role in Role]), help="What it may do."
)
@click.option("--name", required=True, help="Who it is for, as logs will call it.")
@click.option(
    "--property", "properties", multiple=True, metavar="CODE", help="Limit it to this hotel (repeat)."
)
@click.option("--partner", default="", metavar="CODE", help="Whose it is, of a key of role partner.")
@click.option("--member", default="", metavar="NUMBER", help="Who holds a key of role operator, as a member.")
@_json_option
def create(
    role: str, name: str, properties: tuple[str, ...], partner: str, member: str, *, as_json: bool
) -> None:
    """Create a key and print it, once: only its hash is kept."""
    if properties and role != Role.PROPERTY:
        raise click.UsageError("--property limits keys of role property only")
    if (role == Role.PARTNER) != bool(partner):
        raise click.UsageError("--partner names whose a key of role partner is, and goes with no other")
    if member and role != Role.OPERATOR:
        raise click.UsageError("--member names who holds a key of role operator, and goes with no other")
    if not name.strip() or not name.isprintable():
        raise click.UsageError("--name must be a readable name")
    made, unknown = with_database(
        lambda it: create_key(it, Role(role), name.strip(), properties, partner=partner, member=member)
    )
    for code in unknown:
        what = "partner" if partner else "property"
        click.echo(f"Note: there is no {what} {code} yet.", err=True)
    if as_json:
        click.echo(msgspec.json.encode(made))
        return
    click.echo(made.key)
    click.echo(f"Key {made.key_id} for {made.name}. It is shown only now: keep it safe.", err=True)


@keys.command("list")
@_json_option
def list_(*, as_json: bool) -> None:
    """List all keys, never the keys themselves."""
    rows = with_database(lambda it: it.fetch(QUERIES["list_keys"]))
    listed = [
        dict(row) | {
            "key_id": show_id(row["key_id"]),
            "member_id": "" if row["member_id"] is None else ids.show("mem", UUID(row["member_id"].bytes)),
        } for row in rows
    ]  # fmt: skip
    if as_json:
        click.echo(msgspec.json.encode(listed))
        return
    table = Table("Id", "Role", "Name", "Limited to", "Created", "Revoked")
    for row in listed:
        limits = row["partner"] or ", ".join(row["properties"]) or "all"
        table.add_row(row["key_id"], row["role"], row["name"], limits, *map(_day, _dates(row)))
    # Ids are there to be copied: never cut them to the width of a terminal.
    width = None if Console().is_terminal else 160
    Console(width=width).print(table)


@keys.command()
@click.argument("key_id", metavar="ID")
def revoke(key_id: str) -> None:
    """Revoke the key with this ID (of `loyalty keys list`); it stops working within ten seconds."""
    parsed = ids.parse("key", key_id)
    row = parsed and with_database(lambda it: it.fetchrow(QUERIES["revoke_key"], parsed, datetime.now(UTC)))
    if not row:
        raise click.ClickException(f"there is no key {key_id}")
    click.echo(f"Revoked {key_id} ({row['name']}) on {_day(row['revoked_at'])}.")


async def create_key(
    connection: "asyncpg.Connection[Any]", role: Role, name: str, properties: tuple[str, ...] = (), *,
    partner: str = "", member: str = "",
) -> tuple[NewKey, list[str]]:  # fmt: skip
    """Make and store a key; also returns which of `properties`, or whether the `partner`, don't exist yet.

    `member` is the number of the member who holds it; raises ClickException when there is none.
    """
    key = make_key(role)
    key_id: UUID = ids.minter()(0)
    codes = sorted(set(properties))
    holder = await _holder(connection, member) if member else None
    await connection.execute(
        QUERIES["insert_key"], key_id, role, name, codes, key_hash(key), datetime.now(UTC), partner, holder
    )
    shown = "" if holder is None else ids.show("mem", UUID(holder.bytes))
    made = NewKey(ids.show("key", key_id), key, role, name, codes, partner, shown)
    if partner:
        return made, [] if await connection.fetchval(QUERIES["is_partner"], partner) else [partner]
    unknown = await connection.fetch(QUERIES["unknown_properties"], codes)
    return made, [row["code"] for row in unknown]


async def _holder(connection: "asyncpg.Connection[Any]", number: str) -> UUID:
    """Return the member of a number."""
    shard = ids.number_shard(number, await connection.fetchval(QUERIES["count_shards"]))
    found = await connection.fetchval(QUERIES["member_of_number"], shard, number)
    if found is None:
        raise click.ClickException(f"there is no member {number}")
    return found


def _dates(row: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    return row["created_at"], row["revoked_at"]


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
