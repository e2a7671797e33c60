"""Settings, read from `LOYALTY_…` variables of the environment, checked all at once, and explained."""

import base64
import binascii
import difflib
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, get_args, get_origin, get_type_hints
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec import Meta, Struct

PREFIX: Final = "LOYALTY_"
EMBEDDED_DSN: Final = "_LOYALTY_EMBEDDED_DSN"
"""Where `loyalty serve` tells its workers the address of the embedded database it runs. Not for people."""

VAULT_KEY_BYTES: Final = 32


class SettingsError(Exception):
    """The environment holds settings that can't be used; the message has one line for each."""


def default_data_dir() -> Path:
    """Return where programs of this user keep their data on this platform."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "loyalty"
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local" / "share") / "loyalty"


class Settings(Struct, frozen=True, kw_only=True):
    """What an installation can choose. A field `x` is set by the variable `LOYALTY_X`."""

    database_url: Annotated[
        str | None, Meta(description="PostgreSQL (15 or newer) to use; without it an embedded one is run")
    ] = None
    data_dir: Annotated[Path, Meta(description="Where the embedded database and the vault key live")] = (
        msgspec.field(default_factory=default_data_dir)
    )
    postgres_bin: Annotated[
        Path | None,
        Meta(description="Directory of PostgreSQL programs for the embedded database, if not the packaged"),
    ] = None
    host: Annotated[str, Meta(description="Address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on; 0 takes a free one", ge=0, le=65535)] = 8080
    workers: Annotated[int, Meta(description="Processes that answer requests", ge=1, le=256)] = 1
    shards: Annotated[
        int, Meta(description="Lanes of posting; fixed when a database is initialised", ge=1, le=1024)
    ] = 2
    program: Annotated[
        Path | None,
        Meta(description="TOML file with the rules of the program, if not the packaged house.toml"),
    ] = None
    vault_key: Annotated[
        str | None,
        Meta(
            description="Key of the members' profiles: 32 bytes in base64url."
            " Required with LOYALTY_DATABASE_URL, else kept in the data directory"
        ),
    ] = None
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severe message to log")
    ] = "info"
    log_format: Annotated[Literal["json", "console"], Meta(description="Logs for machines or for people")] = (
        "json"
    )
    queue_limit: Annotated[
        int, Meta(description="Commands that may wait per lane; more are answered 503", ge=1, le=1_000_000)
    ] = 2048
    batch_limit: Annotated[int, Meta(description="Commands per transaction, at most", ge=1, le=10_000)] = 256
    deadline_ms: Annotated[
        int, Meta(description="Milliseconds a command may wait before it is given up", ge=10, le=600_000)
    ] = 5000
    pool_size: Annotated[int, Meta(description="Database connections per worker, at most", ge=2, le=1000)] = 8
    max_body_mb: Annotated[
        int,
        Meta(
            description="Largest batch of stays in MB (2^20 bytes); any other body may have 1", ge=1, le=1024
        ),
    ] = 16
    embedded_dsn: str | None = None
    """Set by `loyalty serve` for its workers, never by people."""

    @property
    def dsn(self) -> str | None:
        """The database to connect to, if it is already known: the configured one, or the embedded one that runs."""
        return self.database_url or self.embedded_dsn

    def vault_key_bytes(self) -> bytes:
        """Return the key of the vault: the configured one, else the one in the data directory, made if missing."""
        return (
            decode_vault_key(self.vault_key)
            if self.vault_key
            else _vault_key_file(self.data_dir / "vault.key")
        )

    def vault_key_if_any(self) -> bytes | None:
        """Return the key of the vault if there is one here; whoever only looks makes none."""
        there = self.vault_key or (self.data_dir / "vault.key").exists()
        return self.vault_key_bytes() if there else None


class Setting(NamedTuple):
    """One setting, as people see it."""

    variable: str
    value: str
    default: str
    meaning: str
    is_set: bool


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read and check the settings; raise SettingsError with every complaint at once.

    An empty variable counts as unset, so that a compose file may pass through what isn't there.
    """
    complaints: list[str] = []
    values: dict[str, Any] = {}
    for name, hint in _hints().items():
        raw = environ.get(PREFIX + name.upper(), "").strip()
        if raw:
            try:
                values[name] = _parse(name, raw, hint)
            except ValueError as error:
                complaints.append(f"{PREFIX}{name.upper()}: {error}")
    if "database_url" in values and not environ.get(PREFIX + "VAULT_KEY", "").strip():
        complaints.append(
            f"{PREFIX}VAULT_KEY: required with {PREFIX}DATABASE_URL. Make one, keep it safe, use it for every process:"
            ' python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    if complaints:
        raise SettingsError("\n".join(complaints))
    return Settings(**values, embedded_dsn=environ.get(EMBEDDED_DSN) or None)


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return a warning for each `LOYALTY_…` variable that means nothing to us, with what may have been meant."""
    known = [name.upper() for name in _hints()]
    unknown = {name.removeprefix(PREFIX) for name in environ if name.startswith(PREFIX)}.difference(known)
    warnings: list[str] = []
    for name in sorted(unknown):
        close = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {PREFIX}{close[0]}?" if close else "`loyalty settings` lists them all"
        warnings.append(f"{PREFIX}{name} is no setting; {advice}")
    return warnings


def describe(settings: Settings) -> list[Setting]:
    """List every setting with its value and default as text, secrets masked."""
    defaults = Settings()
    rows: list[Setting] = []
    for name, hint in _hints().items():
        value, default = getattr(settings, name), getattr(defaults, name)
        shown = (_show(name, value), _show(name, default))
        rows.append(Setting(PREFIX + name.upper(), *shown, _meta(hint).description or "", value != default))
    return rows


def decode_vault_key(text: str) -> bytes:
    """Decode 32 bytes of base64, either alphabet, padded or not; raise ValueError for anything else."""
    try:
        plain = text.replace("-", "+").replace("_", "/")
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != VAULT_KEY_BYTES:
        raise ValueError(f"must be {VAULT_KEY_BYTES} bytes in base64url (43 characters)")
    return key


def _hints() -> dict[str, Any]:
    hints = get_type_hints(Settings, include_extras=True)
    return {name: hint for name, hint in hints.items() if get_origin(hint) is Annotated}


def _meta(hint: Any) -> Meta:
    return get_args(hint)[1]


def _parse(name: str, raw: str, hint: Any) -> Any:
    if name == "vault_key":
        decode_vault_key(raw)
    elif name == "database_url":
        _check_url(raw)
    elif name in {"data_dir", "postgres_bin", "program"}:
        return _path(name, raw)
    try:
        return msgspec.convert(raw, hint, strict=False)
    except msgspec.ValidationError:
        raise ValueError(f"{raw!r} must be {_wanted(hint)}") from None


def _wanted(hint: Any) -> str:
    plain, meta = get_args(hint)[0], _meta(hint)
    if get_origin(plain) is Literal:
        return "one of " + ", ".join(get_args(plain))
    return f"a whole number from {meta.ge} to {meta.le}"


def _check_url(raw: str) -> None:
    if urlsplit(raw).scheme not in {"postgresql", "postgres"}:
        # Not shown: what was pasted here may be a password.
        raise ValueError("must look like postgresql://user:password@host:5432/database")


def _path(name: str, raw: str) -> Path:
    path = Path(raw).expanduser().absolute()
    if name == "program" and not path.is_file():
        raise ValueError(f"there is no file {path}")
    if name == "postgres_bin" and not (path / "postgres").is_file():
        raise ValueError(f"there is no program `postgres` in {path}")
    return path


def _show(name: str, value: Any) -> str:
    if value is None:
        return ""
    if name == "vault_key":
        return "********"
    return _without_password(value) if name == "database_url" else str(value)


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    netloc = parts.netloc
    if "@" in netloc:
        user, host = netloc.rsplit("@", 1)
        netloc = f"{user.split(':', 1)[0]}:********@{host}" if ":" in user else netloc
    query = "&".join(
        "password=********" if pair.startswith("password=") else pair for pair in parts.query.split("&")
    )
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def _vault_key_file(path: Path) -> bytes:
    try:
        text = path.read_text("ascii").strip()
    except FileNotFoundError:
        text = _make_vault_key_file(path)
    try:
        return decode_vault_key(text)
    except ValueError as error:
        raise SettingsError(
            f"{path}: {error}; restore it from your backup, profiles can't be read without it"
        ) from None


def _make_vault_key_file(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".vault.key.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(VAULT_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        # Of several processes that start at once one wins, and all use its key.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text("ascii").strip()
