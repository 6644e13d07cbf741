"""Every log that a release recorded is read, and says what it said then."""

import json

import pytest
from tests.logs.record import FOLDER, answers

from autopack import restore_log

NAMES = sorted(path.name.removesuffix(".ndjson.gz") for path in FOLDER.glob("*.ndjson.gz"))


def test_this_release_has_a_log():
    """The release's own log is among them."""
    assert "0.1.0" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_log_replays_for_ever(tmp_path, name):
    """Its chain holds, and what its projections said is contained in what they say today."""
    said = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    with restore_log(FOLDER / f"{name}.ndjson.gz", tmp_path / "log.db") as log:
        position, digest = said["head"]

        assert log.verify(f"{position}:{digest}").is_clean
        told = answers(log)
    assert said == _without_news(told, said)


def _without_news(told, said):
    """Return *told* without the fields that totals gained since."""
    told["totals"] = [
        {key: now[key] for key in then if key in now}
        for now, then in zip(told["totals"], said["totals"], strict=True)
    ]
    return told
