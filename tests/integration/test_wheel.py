"""The wheel: all that the program needs, and able to run anywhere."""

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from loyalty import __version__

ROOT_DIR = Path(__file__).parents[2]
NOT_SHIPPED = {"__pycache__", ".DS_Store"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(directory)],
        cwd=ROOT_DIR,
        check=True,
        capture_output=True,
    )
    return next(directory.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked where nothing of the checkout is near."""
    site = tmp_path_factory.mktemp("site")
    zipfile.ZipFile(wheel).extractall(site)
    return site


def loyalty(site: Path, data_dir: Path, *arguments: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LOYALTY_")}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "loyalty", *arguments],
        env=inherited | {"PYTHONPATH": str(site), "LOYALTY_DATA_DIR": str(data_dir), "COLUMNS": "200"},
        cwd=data_dir,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    files = {
        path.relative_to(ROOT_DIR).as_posix()
        for path in (ROOT_DIR / "loyalty").rglob("*")
        if path.is_file() and not NOT_SHIPPED.intersection(path.parts)
    }
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("loyalty/")}

    assert files == shipped


def test_the_wheel_tells_its_version_licence_and_command(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    names = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
    metadata = archive.read(names["METADATA"]).decode()

    assert wheel.name == f"loyalty_ledger-{__version__}-py3-none-any.whl"
    assert "License-Expression: Apache-2.0" in metadata
    assert "Apache License" in archive.read(names["LICENSE"]).decode()
    assert "loyalty = loyalty.cli:main" in archive.read(names["entry_points.txt"]).decode()


def test_it_runs_far_from_the_checkout(installed: Path, tmp_path: Path) -> None:
    code = "import loyalty; print(loyalty.__file__)"
    where = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env=os.environ | {"PYTHONPATH": str(installed)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert str(installed / "loyalty" / "__init__.py") == where.stdout.strip()
    assert "LOYALTY_PORT" in loyalty(installed, tmp_path, "settings")
    assert "demo" in loyalty(installed, tmp_path, "--help")
    assert "applied 0001_initial" in loyalty(installed, tmp_path, "migrate")


def test_the_tools_for_changing_the_code_are_the_same_for_pip_and_uv() -> None:
    project = tomllib.loads((ROOT_DIR / "pyproject.toml").read_text("utf-8"))

    assert project["dependency-groups"] == project["project"]["optional-dependencies"]
    assert __version__ == project["project"]["version"]
