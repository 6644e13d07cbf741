"""Texts beside the log go by age, size or run, and the log stays as it is."""

from datetime import timedelta

import pytest

from autopack import attempt, create_log, create_run, open_log, prune_artifacts, replay
from autopack.errors import ArtifactMissingError, InvalidInputError
from autopack.events import ArtifactsPruned
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.ports.log import from_us
from autopack.testing.facts import completed, created, paused
from drains import specs


@pytest.fixture
def log(tmp_path):
    """A log with a text of run r1, a larger one of r2, one that both name, one that none does."""
    with create_log(tmp_path / "log.db") as log:
        log.digests = {
            name: log.artifacts.put(text)
            for name, text in {
                "r1": "small", "r2": "".join(map(str, range(5000))), "both": "shared", "none": "x",
            }.items()
        }  # fmt: skip
        log.append("run-r1", [created("r1"), paused("é" * 600)], expected_version=0)
        for run, names in (("r1", ("r1", "both")), ("r2", ("r2", "both"))):
            outputs = {name: log.digests[name] for name in names}
            event = completed(run_id=run, outputs=outputs)
            log.append(f"phase-{run}/a", [event], expected_version=0)
        yield log


def left(log):
    """Return the names of the texts that are still there."""
    return {
        name for name, digest in log.digests.items() if journal_of(log).backend.artifact(digest)
    }


@pytest.mark.parametrize(
    ("measures", "stay"),
    [
        ({"run_id": "r1"}, {"r2", "both", "none"}),
        ({"run_id": "r2", "larger_than_bytes": 10**6}, {"r1", "r2", "both", "none"}),
        ({"larger_than_bytes": 1000}, {"r1", "both", "none"}),
        ({"run_id": "r9"}, {"r1", "r2", "both", "none"}),
    ],
)
def test_texts_go_by_size_and_run(log, measures, stay):
    """Only texts that meet every measure go; one that another run names stays."""
    before = replay(log, "phases")
    prune_artifacts(log, why="room", **measures)

    assert stay == left(log)
    assert log.verify(views=True).is_clean
    assert before.rows == replay(log, "phases").rows


def test_a_text_that_is_named_meanwhile_stays(tmp_path):
    """What another writer names between the look and the removal is not taken from it."""

    def redact(text):
        if text == "room" and not named:
            named.append(digest)
            with open_log(tmp_path / "log.db") as other:
                event = completed(run_id="r1", outputs={"again": digest})
                other.append("phase-r1/b", [event], expected_version=0)
        return text

    named = []
    create_log(tmp_path / "log.db").close()
    with Log(SqliteBackend(tmp_path / "log.db"), redact=redact) as log:
        digest, gone = (log.artifacts.put(text * 5000) for text in ("kept", "gone"))
        event = completed(run_id="r0", outputs={"a": digest, "b": gone})
        log.append("phase-r0/a", [event], expected_version=0)
        pruned = prune_artifacts(log, why="room", larger_than_bytes=10)
        told = [r.event for r in log.read_all(types=[ArtifactsPruned])]

        assert "kept" * 5000 == log.artifacts.get(digest)
        assert {gone} == set(pruned.texts)
        assert [(1, pruned.stored_bytes)] == [(event.texts, event.stored_bytes) for event in told]


@pytest.mark.parametrize(("wrong", "since", "is_pruned"), [(-30, -1, False), (+30, 0.1, True)])
def test_a_text_is_as_old_as_its_event_counts(tmp_path, wrong, since, is_pruned):
    """A clock that was behind makes no text old, and one that was ahead keeps none young."""
    now = [1_767_268_800.0]
    create_log(tmp_path / "log.db").close()
    with Log(SqliteBackend(tmp_path / "log.db"), clock=lambda: now[0]) as log:
        digest = log.artifacts.put("text")
        for days in range(40):
            now[0] += 86_400
            log.append("s", [paused(str(days))], expected_version=days)
        last = now[0]
        now[0] = last + wrong * 86_400
        log.append("phase-r/a", [completed(outputs={"a": digest})], expected_version=0)
        now[0] = last + 86_400
        log.append("s", [paused()], expected_version=40)
        before = from_us(int((last + since * 86_400) * 1_000_000))

        assert is_pruned is bool(prune_artifacts(log, why="old", named_before=before).texts)


def test_texts_go_by_age(log):
    """What no event named lately goes; what none ever named has no age, and stays."""
    now = from_us(journal_of(log).now_us())
    assert {} == prune_artifacts(log, why="old", named_before=now - timedelta(days=1)).texts
    pruned = prune_artifacts(log, why="old", named_before=now + timedelta(seconds=1))

    assert {"none"} == left(log)
    assert 4 == len(pruned.texts)  # the cut reason of the pause is one of them


@pytest.mark.parametrize(("later_us", "n_texts"), [(0, 0), (1, 1)])
def test_a_text_that_is_named_at_the_very_moment_stays(tmp_path, later_us, n_texts):
    """Before a moment is before it, to the microsecond."""
    create_log(tmp_path / "log.db").close()
    with Log(SqliteBackend(tmp_path / "log.db"), clock=lambda: 1_767_268_800.0) as log:
        digest = log.artifacts.put("text")
        log.append("phase-r/a", [completed(outputs={"a": digest})], expected_version=0)
        named_at = journal_of(log).now_us()

        pruned = prune_artifacts(log, why="old", named_before=from_us(named_at + later_us))

    assert n_texts == len(pruned.texts)


def test_pruning_is_recorded_and_a_pruned_text_says_so(log):
    """The act is an event with its measure and reason; asking for the text names what happened."""
    pruned = prune_artifacts(log, why="room", run_id="r1", actor="ann")
    (recorded,) = log.read("artifacts")

    assert (
        ArtifactsPruned(
            texts=2, stored_bytes=pruned.stored_bytes, by="ann", why="room", run_id="r1"
        )
        == recorded.event
    )
    with pytest.raises(ArtifactMissingError, match="pruned"):
        log.artifacts.get(log.digests["r1"])


def test_a_dry_run_removes_nothing(log):
    """It tells what would go, and writes nothing."""
    head = log.head()
    pruned = prune_artifacts(log, why="room", run_id="r1", dry_run=True)

    assert log.digests["r1"] in pruned.texts
    assert {"r1", "r2", "both", "none"} == left(log)
    assert head == log.head()


def test_no_measure_is_refused(log):
    """Without a measure nothing goes."""
    with pytest.raises(InvalidInputError, match="age, a size or a run"):
        prune_artifacts(log, why="all of it")

    assert {"r1", "r2", "both", "none"} == left(log)


def test_a_text_that_is_stored_meanwhile_stays(tmp_path):
    """An attempt in work stores it again between the look and the removal; no event names it."""

    def redact(text):
        if text == "room":
            live.attach("again", "kept" * 5000)
        return text

    create_log(tmp_path / "log.db").close()
    with Log(SqliteBackend(tmp_path / "log.db"), redact=redact) as log:
        create_run(log, "r", specs("p"))
        digest = log.artifacts.put("kept" * 5000)
        log.append("s", [completed(run_id="r0", outputs={"a": digest})], expected_version=0)
        with open_log(tmp_path / "log.db") as other, attempt(other, "r/p") as live:
            pruned = prune_artifacts(log, why="room", larger_than_bytes=10)

        assert {} == pruned.texts
        assert "kept" * 5000 == log.artifacts.get(digest)


def test_a_text_of_an_attempt_in_work_stays(sqlite_log):
    """An old event names the same text: it is pruned only once the attempt names it no more."""
    create_run(sqlite_log, "r", specs("p1", "p2"))
    with attempt(sqlite_log, ("r", "p1")) as live:
        live.attach("stdout", "ok\n")
    cut = from_us(journal_of(sqlite_log).now_us()) + timedelta(seconds=1)
    with attempt(sqlite_log, ("r", "p2")) as live:
        digest = live.attach("stdout", "ok\n")
        first = prune_artifacts(sqlite_log, why="old", named_before=cut)
    later = from_us(journal_of(sqlite_log).now_us()) + timedelta(seconds=2)
    again = prune_artifacts(sqlite_log, why="old", named_before=later)

    assert (set(), {digest}) == (set(first.texts), set(again.texts))
    assert [] == journal_of(sqlite_log).backend.leases()
