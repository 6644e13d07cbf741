"""A step in time reads little, wherever it leads: events decoded, states folded, runs looked at."""

import random
from collections import Counter

import pytest
from starlette.testclient import TestClient
from tests.benchmarks.filling import history

import autopack
from autopack.events import CapSet, RunCreated
from autopack.format.codec import Codec
from autopack.log.log import journal_of
from autopack.log.past_views import PastViews
from autopack.log.views.kept_views import CORE_VIEWS
from autopack.ports.log import ANY
from autopack_web import create_app
from autopack_web.moments import Asked
from autopack_web.pages import overview, run, usage

EVERY, N_EVENTS = 64, 4_000
FOLDED_MOST = 3 * (EVERY // 6 + 1)
"""Events of one type, one in six, between two states of the three views that have any."""


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    folder = tmp_path_factory.mktemp("steps")
    with autopack.create_log(folder / "log.db") as log:
        log.append_batch([(stream, [event], ANY) for stream, event in history(N_EVENTS)])
        versions = {one.name: one.version for one in CORE_VIEWS}
        journal_of(log).past_views = PastViews(
            folder / "past.db", versions=versions, every=EVERY, least=0
        )
        log.keep_past()
        yield log


@pytest.fixture
def decoded(monkeypatch):
    """Return how many rows of each type were decoded."""
    counts, decode_rows = Counter(), Codec.decode_rows

    def counted(codec, rows):
        counts.update(row[4] for row in rows)
        return decode_rows(codec, rows)

    monkeypatch.setattr(Codec, "decode_rows", counted)
    return counts


def test_all_steps_fold_about_as_much(log, decoded):
    """No more than what lies between two states, once for each view."""
    client = TestClient(create_app(log), base_url="http://127.0.0.1")
    draw, found = random.Random(19), []
    for at in [draw.randint(N_EVENTS // 2, N_EVENTS) for _ in range(12)]:
        decoded.clear()
        assert client.get(f"/?at={at}").status_code == 200
        found.append(decoded["phase.started"])  # which nothing asks for but views

    assert max(found) <= FOLDED_MOST


def test_only_the_attempts_that_are_shown_are_decoded(log, decoded, monkeypatch):
    """Those before are counted, and the picture is the same as of all events."""
    claimed = sum(1 for _ in log.read_all(types=(autopack.events.PhaseClaimed,)))
    monkeypatch.setattr(overview, "_ATTEMPTS_MOST", 50)
    whole = overview.read(log, Asked()).timeline
    decoded.clear()
    monkeypatch.setattr(overview, "_CHUNK", 100)
    found = overview.read(log, Asked()).timeline

    assert whole == found
    assert claimed == len(found.stretches) + found.left_off > 600
    assert decoded["phase.claimed"] <= 50 + 100 / 6 + 1


def test_a_run_that_never_had_a_cap_is_not_read(decoded):
    """Its phases may be hundreds; one that has some is, whenever it was given them."""
    with autopack.create_log("memory:") as log:
        for name, caps in (("free", {}), ("capped", {"tokens": 100}), ("later", {})):
            log.append(f"run-{name}", [RunCreated(run_id=name, caps=caps)], expected_version=0)
        given = CapSet(scope="run-later", max_tokens=7, why="it grew", by="kim")
        log.append("cap-run-later", [given], expected_version=0)
        overview.read(log, Asked())
        decoded.clear()
        found = overview.read(log, Asked()).caps

    assert {"capped": 100, "later": 7} == {one.run: one.cap.cap for one in found}
    assert 2 >= decoded["run.created"]


def test_usage_of_many_calls_is_told_without_looking_at_each(log, decoded, monkeypatch):
    """By model, account and run the account sums it; nothing is folded for that anew."""
    monkeypatch.setattr(usage, "_CALLS_MOST", 1)
    usage.read(log, Asked())
    decoded.clear()
    found = usage.read(log, Asked())

    assert {"model", "account", "run"} == {table.by for table in found.tables}
    assert 0 == decoded["llm.usage_recorded"]


def test_a_run_is_told_by_its_own_attempts(log, decoded):
    """Of calls of other runs none is decoded, but of those since the last state."""
    past = log.as_of(N_EVENTS)
    found = run.read(past, Asked(parts={"run": "run-000000"}))

    assert sum(row.use.calls for row in found.by_model) == found.work.use.calls == 500
    assert decoded["llm.usage_recorded"] <= FOLDED_MOST
