"""The stranger's audit, on a real Node: what is right passes, and each damage is named."""

import hashlib
import json
import random
import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import pytest

from autopack import prune_artifacts, sign_head, write_bundle
from autopack.format.chain import link
from autopack.ports.log import to_us
from signed_logs import keys, worked

SCRIPT = Path(__file__).resolve().parents[2] / "examples" / "verify.mjs"
NODE = shutil.which("node")
DAMAGES = 100

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="there is no node on this machine"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with bundles of a log's three runs, and the public key."""
    folder = tmp_path_factory.mktemp("bundles")
    secret, _ = keys(folder)
    with worked(folder / "log.db") as log:
        sign_head(log, secret)
        for run in "rst":
            write_bundle(log, run, folder / run, texts=run == "r")
        prune_artifacts(log, why="no longer needed", larger_than_bytes=0)
        write_bundle(log, "r", folder / "erased", texts=True)
        write_bundle(log, "r", folder / "bare")
    return folder


def audited(place, bundle, key="key.pub.pem"):
    """Return the exit code and what the audit says."""
    asked = [NODE, str(SCRIPT), str(bundle), str(place / key)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)
    assert "" == done.stderr
    return done.returncode, done.stdout


def test_it_is_short_and_needs_nothing():
    """Who audits reads it first."""
    text = SCRIPT.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 200
    assert {"node:crypto", "node:fs"} == set(re.findall(r'from "(.*)"', text))


@pytest.mark.parametrize("run", "rst")
def test_what_is_right_passes(place, run):
    """A run that is done, one in work, and one whose phases have no events yet."""
    first = json.loads((place / run).read_text().splitlines()[0])
    code, said = audited(place, place / run)

    assert 0 == code, said
    assert said.startswith(f"{first['events']} events of run {run}, none left out; ")
    assert f"signed up to position {first['position']}." in said


def test_erased_texts_change_nothing(place):
    """What was pruned from beside the log is not in the file, and all else is as it was."""
    assert (place / "erased").read_bytes() == (place / "bare").read_bytes()
    assert 0 == audited(place, place / "erased")[0]


def test_another_key_is_not_believed(place):
    """Who made a log and a key of their own is not who the auditor asked about."""
    keys(place, "other")

    assert (1, True) == (
        (found := audited(place, place / "r", "other.pub.pem"))[0],
        "it is signed with another key" in found[1],
    )


def numbered(lines):
    """Return the events' lines as (place in the file, position)."""
    told = [(at, json.loads(line)) for at, line in enumerate(lines)]
    return [(at, line["position"]) for at, line in told if "subject" in line]


def letter(lines, draw):
    """Put another letter or digit somewhere into an event."""
    at, position = draw.choice(numbered(lines))
    places = [i for i, sign in enumerate(lines[at]) if sign.isalnum() and sign.isascii()]
    i = draw.choice(places)
    other = draw.choice([c for c in "abcdef0123456789" if c.lower() != lines[at][i].lower()])
    lines[at] = lines[at][:i] + other + lines[at][i + 1 :]
    return at, position


def forged(lines, draw):
    """Say something else in an event, and give it the hash that it then has."""
    at, position = draw.choice(numbered(lines))
    event = json.loads(lines[at])
    event["data"]["note"] = "forged"
    data = json.dumps(event.pop("data"), separators=(",", ":"))
    us = [to_us(datetime.fromisoformat(event[name])) for name in ("time", "recordedat")]
    event["chainhash"] = link(
        bytes.fromhex(event["chainbefore"]), position=position,
        event_id=bytes.fromhex(event["id"].replace("-", "")), stream=event["subject"].encode(),
        version=event["streamversion"], type=event["type"].encode(),
        schema=event.get("schemaversion", 1), occurred_at=us[0], recorded_at=us[1],
        meta=event.get("meta", "").encode(), data=data.encode(),
    ).hex()  # fmt: skip
    head = json.dumps(event, separators=(",", ":"))
    lines[at] = f'{head[:-1]},"data":{data}}}'
    return at, position


def left_out(lines, draw):
    """Leave an event out: it is the next of its stream, or the end, that tells."""
    at, position = draw.choice(numbered(lines))
    del lines[at]
    return None, position


def doubled(lines, draw):
    """Have an event twice."""
    at, position = draw.choice(numbered(lines))
    lines.insert(at, lines[at])
    return at + 1, position


def swapped(lines, draw):
    """Have two neighbours the wrong way round."""
    events = numbered(lines)
    at, position = draw.choice(events[:-1])
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    return at + 1, position


def moved(lines, draw):
    """Have an event under another position."""
    at, position = draw.choice(numbered(lines)[1:])
    lines[at] = lines[at].replace(f'"position":{position}', f'"position":{position + 1}')
    return at, position


def cut(lines, draw):
    """End in the middle of an event."""
    at, position = draw.choice(numbered(lines))
    lines[at:] = [lines[at][: draw.randrange(1, len(lines[at]) - 1)]]
    return at, position


DAMAGED = (letter, letter, letter, forged, left_out, doubled, swapped, moved, cut)


@pytest.mark.parametrize("seed", range(DAMAGES))
def test_each_damage_is_named_with_its_position(place, tmp_path, seed):
    """By the event's own position, or, where that cannot be read or is gone, by its neighbour's."""
    draw = random.Random(seed)
    lines = (place / "r").read_text(encoding="utf-8").splitlines()
    before = [position for _, position in numbered(lines)]
    damage = DAMAGED[seed % len(DAMAGED)]
    at, position = damage(lines, draw)
    (tmp_path / "damaged").write_text("\n".join(lines) + "\n", encoding="utf-8")
    code, said = audited(place, tmp_path / "damaged")
    told = re.search(r"(after )?position (\d+)(?:, line (\d+))?: ", said)

    assert 1 == code, (damage.__name__, said)
    assert told, said
    if at is not None:
        lines_meant = {at + 1, at} if damage is swapped else {at + 1}
        assert int(told[3]) in lines_meant, said
    i = before.index(position)
    if damage is left_out:
        assert int(told[2]) in before, said
    elif damage is not letter:
        near = {position, *before[max(0, i - 1) : i + 2], position + 1}
        assert int(told[2]) in near, said


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (lambda lines: lines.__delitem__(0), "line 1: "),
        (lambda lines: lines.__delitem__(2), "nothing proves how many events phase-r/a has"),
        (lambda lines: lines.insert(2, lines[1]), "the end of a stream is out of its place"),
        (lambda lines: lines.append(lines[1]), "the end of a stream is out of its place"),
        (lambda lines: lines.clear(), "it is empty"),
        (lambda lines: lines.pop(), " texts there are "),
    ],
)
def test_what_stands_around_the_events_is_looked_at_too(place, tmp_path, damaged, says):
    """The first line, and the lines that prove how many events a stream has."""
    lines = (place / "r").read_text(encoding="utf-8").splitlines()
    damaged(lines)
    (tmp_path / "damaged").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    code, said = audited(place, tmp_path / "damaged")

    assert 1 == code
    assert says in said


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("run", "s"),
        ("position", 7),
        ("chainhash", "00" * 32),
        ("eventsroot", hashlib.sha256().hexdigest()),
        ("streams", 3),
        ("streamsroot", "00" * 32),
        ("signature", "00" * 64),
        ("events", 1),
        ("texts", 0),
        ("more", 1),
    ],
)
def test_every_figure_of_the_first_line_counts(place, tmp_path, name, value):
    """What is signed, and what is only counted."""
    first, *rest = (place / "r").read_text(encoding="utf-8").splitlines()
    told = json.dumps({**json.loads(first), name: value})
    (tmp_path / "damaged").write_text("\n".join([told, *rest, ""]), encoding="utf-8")

    assert 1 == audited(place, tmp_path / "damaged")[0]


def test_a_stream_is_not_said_to_be_empty_by_who_stands_elsewhere(place, tmp_path):
    """Those beside it must be neighbours, and there must be room between them."""
    lines = (place / "t").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if '"beside"' in line)
    absent = json.loads(lines[at])
    low, high = absent["beside"]
    for wrong in ([low], [high], [low, low], [], [high, high]):
        changed = [*lines]
        changed[at] = json.dumps({**absent, "beside": wrong})
        (tmp_path / "damaged").write_text("\n".join([*changed, ""]), encoding="utf-8")
        code, said = audited(place, tmp_path / "damaged")
        assert (1, True) == (code, "nothing proves that phase-t/x has no events" in said), said
