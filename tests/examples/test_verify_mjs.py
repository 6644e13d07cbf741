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
    lines = [json.loads(line) for line in (place / run).read_text().splitlines()]
    of_drains = sum(line.get("subject", "").startswith("drain-") for line in lines)
    ours = first["events"] - of_drains
    assert said.startswith(
        f"{ours} events of run {run}, none left out; {of_drains} of its drains; "
        f"{first['texts']} texts. Signed up to position {first['position']} of the log of origin "
        f"{first['chainorigin']}."
    )


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


def written(told):
    """Return an object as a line of a bundle has it."""
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"))


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
    data = written(event.pop("data"))
    us = [to_us(datetime.fromisoformat(event[name])) for name in ("time", "recordedat")]
    event["chainhash"] = link(
        bytes.fromhex(event["chainbefore"]), position=position,
        event_id=bytes.fromhex(event["id"].replace("-", "")), stream=event["subject"].encode(),
        version=event["streamversion"], type=event["type"].encode(),
        schema=event.get("schemaversion", 1), occurred_at=us[0], recorded_at=us[1],
        meta=event.get("meta", "").encode(), data=data.encode(),
    ).hex()  # fmt: skip
    lines[at] = f'{written(event)[:-1]},"data":{data}}}'
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
        (lambda lines: lines.append("[]"), "it is not written as bundles are"),
        (lambda lines: lines.append("null"), "it cannot be read"),
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
    told = written({**json.loads(first), name: value})
    (tmp_path / "damaged").write_text("\n".join([told, *rest, ""]), encoding="utf-8")
    code, said = audited(place, tmp_path / "damaged")

    assert 1 == code
    assert name == "more" or "written" not in said, said


def test_a_stream_is_not_said_to_be_empty_by_who_stands_elsewhere(place, tmp_path):
    """Those beside it must be neighbours, and there must be room between them."""
    lines = (place / "t").read_text(encoding="utf-8").splitlines()
    at = next(i for i, line in enumerate(lines) if '"beside"' in line)
    absent = json.loads(lines[at])
    low, high = absent["beside"]
    for wrong in ([low], [high], [low, low], [], [high, high]):
        changed = [*lines]
        changed[at] = written({**absent, "beside": wrong})
        (tmp_path / "damaged").write_text("\n".join([*changed, ""]), encoding="utf-8")
        code, said = audited(place, tmp_path / "damaged")
        assert (1, True) == (code, "nothing proves that phase-t/x has no events" in said), said


def counted(lines, **figures):
    """Put other figures into the first line, which no signature covers."""
    lines[0] = written({**json.loads(lines[0]), **figures})


def at_text(lines):
    return next(at for at, line in enumerate(lines) if line.startswith('{"text"'))


def text_added(lines, _other):
    """Put a text beside the events that none of them names."""
    lines.append(written({"text": hashlib.sha256(b"mine").hexdigest(), "content": "mine"}))
    counted(lines, texts=json.loads(lines[0])["texts"] + 1)


def text_doubled(lines, _other):
    lines.append(lines[-1])
    counted(lines, texts=json.loads(lines[0])["texts"] + 1)


def texts_swapped(lines, _other):
    lines[-1], lines[-2] = lines[-2], lines[-1]


def texts_first(lines, _other):
    """Have the texts where the events are, and the events where they are."""
    ends = next(at for at, line in enumerate(lines) if '"subject"' in line)
    lines[ends:] = lines[at_text(lines) :] + lines[ends : at_text(lines)]


def ends_swapped(lines, _other):
    lines[1], lines[2] = lines[2], lines[1]


def mixed(lines, other):
    """Put all events of another run of the log among them, each in its right place."""
    both = {place: lines[at] for at, place in numbered(lines)}
    both.update({place: other[at] for at, place in numbered(other)})
    ends = next(at for at, line in enumerate(lines) if '"subject"' in line)
    lines[ends : at_text(lines)] = [both[place] for place in sorted(both)]
    counted(lines, events=len(both))


def headed(lines, other):
    lines[0] = other[0]


def spaced(lines, _other):
    lines[0] = lines[0].replace(":", ": ", 1)


def named_twice(lines, _other):
    """Say two types of an event: readers of JSON take the last, or the first."""
    at, _ = numbered(lines)[3]
    lines[at] = lines[at].replace('"type":', '"type":"phase.completed","type":', 1)


def escaped(lines, _other):
    at, _ = numbered(lines)[0]
    lines[at] = lines[at].replace("run.created", "run.cre\\u0061ted")


def reordered(lines, _other):
    """Say the attributes of an event in another order."""
    at, _ = numbered(lines)[1]
    lines[at] = re.sub(r'("specversion":"1.0"),("id":"[^"]*")', r"\2,\1", lines[at])


def defaulted(lines, _other):
    """Say what is so without a word."""
    at, _ = numbered(lines)[1]
    lines[at] = lines[at].replace('"chainorigin"', '"meta":"","chainorigin"')


@pytest.mark.parametrize(
    "change",
    [
        text_added, text_doubled, texts_swapped, texts_first, ends_swapped, mixed, headed, spaced,
        named_twice, escaped, reordered, defaulted,
    ],
)  # fmt: skip
def test_what_is_true_in_itself_is_refused_out_of_its_place(place, tmp_path, change):
    """Nothing is there that the format does not say, and all in one order and one notation."""
    lines, other = ((place / run).read_text(encoding="utf-8").splitlines() for run in "rs")
    before = [*lines]
    change(lines, other)
    (tmp_path / "damaged").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    code, said = audited(place, tmp_path / "damaged")

    assert before != lines
    assert 1 == code, said
    assert re.match(r"(after )?position \d+[,:] ", said), said


def test_bytes_that_are_no_text_are_refused(place, tmp_path):
    """Also where a decoder would put the very sign that stands there."""
    lines = (place / "r").read_bytes().splitlines(keepends=True)
    said = json.loads(lines[-1])["content"].encode()
    lines[-1] = lines[-1].replace(said, said + b"\xff")
    (tmp_path / "damaged").write_bytes(b"".join(lines))

    assert (1, True) == (
        (found := audited(place, tmp_path / "damaged"))[0],
        f"line {len(lines)}: " in found[1],
    )


def test_moments_are_written_in_one_way(place, tmp_path):
    """The day after the last of a month, or 24:00, is another day's."""
    lines = (place / "t").read_text(encoding="utf-8").splitlines()
    at, position = numbered(lines)[0]
    moment = json.loads(lines[at])["time"]
    for other in (moment[:11] + "24:00:00+00:00", moment[:5] + "02-30" + moment[10:]):
        changed = [*lines]
        changed[at] = lines[at].replace(f'"time":"{moment}"', f'"time":"{other}"')
        (tmp_path / "damaged").write_text("".join(f"{line}\n" for line in changed))
        code, said = audited(place, tmp_path / "damaged")
        assert (1, f"position {position}, line {at + 1}: its time is no moment\n") == (code, said)


@pytest.mark.parametrize(
    "kind", [["RSA"], ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], ["x25519"]]
)
def test_a_key_of_another_kind_is_named(place, tmp_path, kind):
    """Not a fault of JavaScript."""
    made = ["openssl", "genpkey", "-algorithm", *kind, "-out", str(tmp_path / "key.pem")]
    subprocess.run(made, capture_output=True, check=True)
    code, said = audited(place, place / "r", tmp_path / "key.pem")

    assert (1, True) == (code, "none of Ed25519" in said), said
