"""A bundle of a run: what is in it, that it is whole, and that it says nothing of other runs."""

import json

import attrs
import pytest

from autopack import ANY, create_run, drain, sign_head, write_bundle
from autopack.errors import InvalidInputError, LogExistsError, RunMissingError
from autopack.format.merkle_tree import root_by
from autopack.format.signed_heads import stream_leaf
from autopack.log.log import journal_of
from drains import specs
from signed_logs import keys, worked


@pytest.fixture
def log(tmp_path):
    """A log with three runs: worked off, in work, not begun."""
    with worked(tmp_path / "log.db") as log:
        yield log


@pytest.fixture
def signed(log, tmp_path):
    """The same log, whose head is signed."""
    sign_head(log, keys(tmp_path)[0])
    return log


def written(log, run, path, **options):
    """Write a bundle; return what is told of it, and its lines as JSON."""
    told = write_bundle(log, run, path, **options)
    return told, [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def ends_of(lines):
    return {line["stream"]: line for line in lines if "stream" in line}


def test_it_has_each_event_of_the_run_as_an_export_has_it(signed, tmp_path):
    """Of its phases too, in order; each with what stands in an export, to the byte."""
    signed_at = journal_of(signed).backend.head().position - 1
    told, lines = written(signed, "r", tmp_path / "out")
    of_run = [
        (one.position, one.stream, one.row[10].hex())
        for one in signed.read_all()
        if one.stream == "run-r" or one.stream.startswith("phase-r/")
    ]
    there = [
        (line["position"], line["subject"], line["chainhash"])
        for line in lines
        if line.get("subject", "drain-").partition("-")[0] != "drain"
    ]

    assert of_run == there
    assert signed_at == told.position
    assert lines[0]["events"] == told.events == sum("subject" in line for line in lines)
    assert {"llm.usage_recorded", "phase.failed"} <= {line.get("type") for line in lines}


def test_it_has_what_its_drains_were_set_to_and_chose_of_it(signed, tmp_path):
    """Not what they chose of other runs."""
    _, lines = written(signed, "r", tmp_path / "out")
    of_drain = [line for line in lines if line.get("subject", "").startswith("drain-")]
    chosen = [line["data"] for line in of_drain if line["type"] == "drain.phase_selected"]

    assert ["a", "b", "c"] == [choice["phase_id"] for choice in chosen]
    assert {"r"} == {choice["run_id"] for choice in chosen}
    assert (of_drain[0]["type"], of_drain[-1]["type"]) == ("drain.started", "drain.stopped")
    assert '"s"' not in json.dumps([line["data"] for line in of_drain[1:-1]])


def test_every_event_and_end_is_proved_to_the_signed_roots(signed, tmp_path):
    """By the tree's own arithmetic."""
    _, (first, *lines) = written(signed, "r", tmp_path / "out")
    ends = ends_of(lines)
    roots = set()
    for line in lines:
        proof = bytes.fromhex(line["chainproof"])
        parts = [proof[i : i + 32] for i in range(0, len(proof), 32)]
        if "stream" in line:
            leaf = stream_leaf(line["stream"].encode(), line["version"])
            roots.add(("streams", root_by(leaf, line["index"], first["streams"], parts).hex()))
        else:
            leaf, at = bytes.fromhex(line["chainhash"]), line["position"] - 1
            roots.add(("events", root_by(leaf, at, first["position"], parts).hex()))

    assert {("events", first["eventsroot"]), ("streams", first["streamsroot"])} == roots
    assert ["run-r", "phase-r/a", "phase-r/b", "phase-r/c"] == list(ends)


def test_of_phases_without_events_it_says_who_stands_beside(signed, tmp_path):
    """Neighbours in the order of names, between which there is room for nobody."""
    _, (first, *lines) = written(signed, "t", tmp_path / "out")
    ends = ends_of(lines)
    of_x, of_y = ends["phase-t/x"], ends["phase-t/y"]
    low, high = of_x["beside"]

    assert 0 == of_x["version"] == of_y["version"]
    assert of_x["beside"] == of_y["beside"]
    assert low["stream"].encode() < b"phase-t/x" < b"phase-t/y" < high["stream"].encode()
    assert 1 == high["index"] - low["index"]
    assert first["streams"] > high["index"]


def test_texts_come_along_only_if_they_are_asked_for(signed, tmp_path):
    """And those that the log has no more are counted."""
    without, lines = written(signed, "r", tmp_path / "without")
    assert (0, 0, 0) == (without.texts, without.missing_texts, lines[0]["texts"])
    assert [] == [line for line in lines if "text" in line]

    told, lines = written(signed, "r", tmp_path / "with", texts=True)
    texts = {line["text"]: line["content"] for line in lines if "text" in line}
    assert [len(texts)] * 2 + [0] == [told.texts, lines[0]["texts"], told.missing_texts]
    assert {f"what {name} says: é" for name in "abc"} <= set(texts.values())
    assert "what a says: é" in [
        signed.artifacts.get(line["text"]) for line in lines if "text" in line
    ]

    with journal_of(signed).transaction() as transaction:
        for line in lines:
            if "text" in line:
                transaction.store.drop_artifact(line["text"])
    gone, _ = written(signed, "r", tmp_path / "gone", texts=True)
    assert (0, told.texts) == (gone.texts, gone.missing_texts)


def test_it_ends_at_the_head_that_was_signed_last(signed, tmp_path):
    """What came after is proved by nobody; a run that came after is not there."""
    before, _ = written(signed, "s", tmp_path / "before")
    create_run(signed, "late", specs("a"))
    drain(signed, executor=lambda phase, attempt: None, run_id="s")
    after, _ = written(signed, "s", tmp_path / "after")
    assert before == after
    with pytest.raises(RunMissingError):
        write_bundle(signed, "late", tmp_path / "late")

    sign_head(signed, keys(tmp_path, "second")[0])
    assert after.events < written(signed, "s", tmp_path / "now")[0].events
    assert written(signed, "late", tmp_path / "late")[0].events


def test_it_is_refused_where_it_could_prove_nothing(log, tmp_path):
    """With what to do; and no file is left."""
    with pytest.raises(InvalidInputError, match="Sign it first"):
        write_bundle(log, "r", tmp_path / "out")
    sign_head(log, keys(tmp_path)[0])
    with pytest.raises(RunMissingError, match="'rr'"):
        write_bundle(log, "rr", tmp_path / "out")

    assert not (tmp_path / "out").exists()


def test_what_is_there_is_left_alone(signed, tmp_path):
    """A file at its place is nobody's to replace."""
    (there := tmp_path / "out").write_text("mine")
    with pytest.raises(LogExistsError, match=r"Choose another path\.$"):
        write_bundle(signed, "r", there)

    assert "mine" == there.read_text()


def test_the_newest_head_of_one_key_is_taken_where_it_is_asked_for(log, tmp_path):
    """Others sign a log too, keys are changed, and who writes to it can say anything of heads."""
    old, new = (keys(tmp_path, name) for name in ("old", "new"))
    first = sign_head(log, old[0])
    second = sign_head(log, new[0])
    forged = attrs.evolve(second.event, public_key=first.event.public_key, by="somebody")
    log.append("heads", [forged], expected_version=ANY)

    told = {
        name: write_bundle(log, "r", tmp_path / name, signed_by=public).position
        for name, public in (("by old", old[1]), ("by new", str(new[1])))
    }
    assert {"by old": first.event.position, "by new": second.event.position} == told
    with pytest.raises(InvalidInputError, match="No head of the log is rightly signed with"):
        write_bundle(log, "r", tmp_path / "none", signed_by=keys(tmp_path, "third")[1])
    with pytest.raises(InvalidInputError, match="holds no public key"):
        write_bundle(log, "r", tmp_path / "none", signed_by=old[0])
    assert not (tmp_path / "none").exists()
