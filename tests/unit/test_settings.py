"""Settings from the environment."""

import base64
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from loyalty.settings import (
    EMBEDDED_DSN,
    Settings,
    SettingsError,
    decode_vault_key,
    describe,
    read_settings,
    unknown_variables,
)

KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
URL = "postgresql://ledger:hush%40hush@db.example:5433/loyalty?sslmode=require"


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings() == read_settings({})


def test_each_variable_sets_its_field(tmp_path: Path) -> None:
    program = tmp_path / "mine.toml"
    program.touch()
    settings = read_settings(
        {
            "LOYALTY_DATA_DIR": str(tmp_path),
            "LOYALTY_PORT": "9000",
            "LOYALTY_WORKERS": " 3 ",
            "LOYALTY_PROGRAM": str(program),
            "LOYALTY_LOG_FORMAT": "console",
        }
    )

    assert (tmp_path, 9000, 3) == (settings.data_dir, settings.port, settings.workers)
    assert (program, "console") == (settings.program, settings.log_format)


def test_an_empty_variable_counts_as_unset() -> None:
    assert Settings() == read_settings(
        {"LOYALTY_PORT": "", "LOYALTY_VAULT_KEY": " ", "LOYALTY_DATABASE_URL": ""}
    )


def test_all_complaints_come_at_once_and_name_their_variables() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(
            {
                "LOYALTY_PORT": "eighty",
                "LOYALTY_WORKERS": "0",
                "LOYALTY_LOG_LEVEL": "loud",
                "LOYALTY_PROGRAM": "/no/such/file.toml",
                "LOYALTY_POSTGRES_BIN": "/no/such/place",
                "LOYALTY_VAULT_KEY": "short",
                "LOYALTY_DATABASE_URL": "mysql://root:hush@db/loyalty",
            }
        )

    expected = [
        "LOYALTY_DATABASE_URL: must look like postgresql://user:password@host:5432/database",
        "LOYALTY_POSTGRES_BIN: there is no program `postgres` in /no/such/place",
        "LOYALTY_PORT: 'eighty' must be a whole number from 0 to 65535",
        "LOYALTY_WORKERS: '0' must be a whole number from 1 to 256",
        "LOYALTY_PROGRAM: there is no file /no/such/file.toml",
        "LOYALTY_VAULT_KEY: must be 32 bytes in base64url (43 characters)",
        "LOYALTY_LOG_LEVEL: 'loud' must be one of debug, info, warning, error",
    ]
    assert expected == str(caught.value).splitlines()


def test_a_database_of_ones_own_needs_a_vault_key() -> None:
    with pytest.raises(SettingsError, match=r"LOYALTY_VAULT_KEY: required with LOYALTY_DATABASE_URL"):
        read_settings({"LOYALTY_DATABASE_URL": URL})


def test_the_database_to_use_is_the_configured_one_else_the_one_that_serve_runs() -> None:
    configured = read_settings(
        {"LOYALTY_DATABASE_URL": URL, "LOYALTY_VAULT_KEY": KEY, EMBEDDED_DSN: "postgresql://x"}
    )
    embedded = read_settings({EMBEDDED_DSN: "postgresql://x"})

    assert (URL, "postgresql://x", None) == (configured.dsn, embedded.dsn, Settings().dsn)


@pytest.mark.parametrize("text", [KEY, KEY.rstrip("="), base64.b64encode(bytes(range(32))).decode()])
def test_a_vault_key_may_be_in_either_alphabet_padded_or_not(text: str) -> None:
    assert bytes(range(32)) == decode_vault_key(text)


@pytest.mark.parametrize("text", ["", "x", "ü" * 43, KEY[:-4], KEY + "AAAA"])
def test_what_is_not_32_bytes_of_base64url_is_no_vault_key(text: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        decode_vault_key(text)


def test_the_vault_key_file_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "new")
    first, second = settings.vault_key_bytes(), settings.vault_key_bytes()

    assert first == second
    assert 32 == len(first)
    assert 0o600 == stat.S_IMODE((tmp_path / "new" / "vault.key").stat().st_mode)
    assert ["vault.key"] == [path.name for path in (tmp_path / "new").iterdir()]


def test_processes_that_start_at_once_agree_on_the_vault_key(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from loyalty.settings import Settings;"
        " print(Settings(data_dir=pathlib.Path(sys.argv[1])).vault_key_bytes().hex())"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    keys = {process.communicate()[0] for process in processes}

    assert 1 == len(keys)


def test_a_damaged_vault_key_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "vault.key").write_text("garbage")

    with pytest.raises(SettingsError, match="restore it from your backup"):
        Settings(data_dir=tmp_path).vault_key_bytes()
    assert "garbage" == (tmp_path / "vault.key").read_text()


def test_a_misspelt_variable_is_warned_about_with_what_was_meant() -> None:
    warnings = unknown_variables(
        {"LOYALTY_WORKER": "2", "LOYALTY_XYZZY": "1", "LOYALTY_PORT": "1", "HOME": "/"}
    )

    assert [
        "LOYALTY_WORKER is no setting; did you mean LOYALTY_WORKERS?",
        "LOYALTY_XYZZY is no setting; `loyalty settings` lists them all",
    ] == warnings


def test_describing_the_settings_masks_secrets() -> None:
    settings = read_settings({"LOYALTY_DATABASE_URL": URL + "&password=hush", "LOYALTY_VAULT_KEY": KEY})
    rows = {row.variable: row for row in describe(settings)}

    expected = "postgresql://ledger:********@db.example:5433/loyalty?sslmode=require&password=********"
    assert expected == rows["LOYALTY_DATABASE_URL"].value
    assert "********" == rows["LOYALTY_VAULT_KEY"].value
    assert not any("hush" in row.value or KEY in row.value for row in rows.values())


def test_every_setting_is_described_and_none_but_peoples_own() -> None:
    rows = describe(Settings())

    assert all(row.meaning for row in rows)
    assert set(Settings.__struct_fields__) - {"embedded_dsn"} == {
        row.variable.removeprefix("LOYALTY_").lower() for row in rows
    }
