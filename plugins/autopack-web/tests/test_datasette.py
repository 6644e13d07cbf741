"""Datasette shows a log's views as they are; skipped where nobody installed it."""

import hashlib
import json
import subprocess
import sys

import pytest

import autopack

from .conftest import work

pytest.importorskip("datasette", reason="Datasette is not installed")


def asked(path, address):
    """Return what Datasette answers to a request, as JSON."""
    command = [sys.executable, "-W", "ignore", "-m", "datasette", str(path), "--get", address]
    answered = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(answered.stdout)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("datasette") / "work.db"
    with autopack.create_log(path) as log:
        specs = [autopack.PhaseSpec(name, category="docs") for name in ("works", "fails", "asks")]
        autopack.create_run(log, "nightly", specs)
        autopack.drain(log, executor=work)
        autopack.create_run(log, "second", [autopack.PhaseSpec("one")])
    return path


def digest(path):
    """Return what tells a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_each_view_of_the_log_is_there(path):
    """Beside its tables; none needs anything of Autopack."""
    found = {view["name"] for view in asked(path, "/work.json")["views"]}

    assert {"v_events", "v_runs", "v_phases", "v_llm_usage", "v_samples"} <= found


def test_facets_count_what_status_counts(path):
    """Phases by state, and calls by model with their cost; the file stays as it is."""
    before = digest(path)
    phases = asked(path, "/work/v_phases.json?_facet=state&_size=0&_shape=objects")
    states = phases["facet_results"]["state"]["results"]
    sql = "select sum(cost_pico_usd) as pico, count(*) as calls from v_llm_usage"
    (used,) = asked(path, f"/work.json?_shape=array&sql={sql.replace(' ', '+')}")
    after = digest(path)
    with autopack.open_log(path) as log:
        stands = autopack.status(log)

    assert stands.phases_by_state == {one["value"]: one["count"] for one in states}
    assert (stands.cost_usd.pico, stands.calls) == (used["pico"], used["calls"])
    assert before == after
