"""A repository with one commit, and a log; git knows nothing of whose machine this is."""

import os

import pytest
from tests.repositories import new_repository, quiet_environment

import autopack


@pytest.fixture(autouse=True)
def _quiet_git(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    for name, value in quiet_environment(tmp_path).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def repository(tmp_path):
    return new_repository(tmp_path / "demo")


@pytest.fixture
def log(tmp_path):
    with autopack.create_log(tmp_path / "work.db") as log:
        yield log
