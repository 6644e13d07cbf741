"""The pages answer, as HTML and as JSON."""

import pytest
from starlette.testclient import TestClient

import autopack
from autopack_web import create_app


@pytest.fixture
def log():
    with autopack.create_log("memory:") as log:
        autopack.create_run(log, "r", [autopack.PhaseSpec("one")])
        yield log


@pytest.fixture
def client(log):
    return TestClient(create_app(log))


def test_the_first_page_is_there(client):
    """As HTML for people, as JSON for programs."""
    page = client.get("/")
    told = client.get("/", headers={"accept": "application/json"})

    assert page.headers["content-type"].startswith("text/html")
    assert told.json()["status"]["phases_by_state"] == {"QUEUED": 1}
