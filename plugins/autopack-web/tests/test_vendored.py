"""What was taken from npm is what its list says, and nothing else is."""

import hashlib
import tomllib
from pathlib import Path

import pytest

import autopack_web

_HERE = Path(__file__).parent
_VENDOR = Path(autopack_web.__file__).parent / "static" / "vendor"


@pytest.mark.parametrize("folder", [_VENDOR, _HERE / "axe"], ids=["pages", "tests"])
def test_each_file_is_the_one_that_is_listed(folder):
    """By its SHA-256, beside the text of its licence."""
    listed = tomllib.loads((folder / "VERSIONS.toml").read_text("utf-8"))["file"]
    found = {one["name"]: hashlib.sha256((folder / one["name"]).read_bytes()) for one in listed}

    assert {one["name"]: one["sha256"] for one in listed} == {
        name: digest.hexdigest() for name, digest in found.items()
    }
    assert all((folder / one["licence"].rpartition(" ")[2]).exists() for one in listed)


def test_nothing_else_is_served_beside_them():
    """Each file of the folder is listed, or a licence, or the list."""
    listed = tomllib.loads((_VENDOR / "VERSIONS.toml").read_text("utf-8"))["file"]
    known = {one["name"] for one in listed} | {"VERSIONS.toml"}
    others = {path.name for path in _VENDOR.iterdir()} - known

    assert {one["licence"].rpartition(" ")[2] for one in listed} == others
