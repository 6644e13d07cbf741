"""Run files say all that is wrong with them, in the words of their author."""

import json
import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, create_run, parse_run
from autopack.errors import InvalidInputError
from autopack.exchange import run_files
from autopack.exchange.run_files import RunFile, prices_from_file, proposal_from_json, read_run_file

PYTHON_SPEAK = re.compile(
    r"\b(class|attribute|object|NoneType|\w+Error|PhaseSpec|RunFile|dict|str|Mapping|autopack)\b"
)

DEEP = json.loads("[" * 300 + "]" * 300)
GOOD = {"id": "a", "category": "docs", "complexity": "low"}
NAMES = (
    "phases", "goal", "caps", "settings", "labels", "id", "category", "complexity", "after",
    "deliverables", "timeout_s", "max_attempts", "priority", "payload", "inputs", "afer", "tokens",
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.dates(),
    st.sampled_from(["a", "b", "low", "docs", "", "x y", "\ud800", "half"]),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(NAMES) | st.integers(0, 3), inner, max_size=4),
    ),
    max_leaves=12,
)
phases = st.one_of(
    values,
    st.builds(lambda more: {**GOOD, **more}, st.dictionaries(st.sampled_from(NAMES), values)),
)
files = st.one_of(
    values, st.builds(lambda some, more: {**more, "phases": some}, st.lists(phases, max_size=3),
                      st.dictionaries(st.sampled_from(NAMES), values, max_size=3)),
)  # fmt: skip
texts = st.lists(
    st.sampled_from(
        ["phases", "id", "=", ":", "[[", "]]", "[", "]", "{", "}", "\n", "  ", "- ", '"', "'", "a",
         "docs", "1", "1979-13-45", "&a ", "*a", "!!float ", "!!timestamp ", "#", ",", "\\", "\x00"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def told(path):
    """Return what is said of a file that cannot be a run's."""
    with pytest.raises(InvalidInputError) as refused:
        read_run_file(path)
    return str(refused.value).removeprefix(f"{path}").removeprefix(": ")


def written(folder, text, name="run.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def check(path):
    """Look at what a broken file is answered with: a good run, or an error for people."""
    try:
        found = read_run_file(path)
        with create_log("memory:") as log:
            create_run(
                log, "r", found.phases, goal=found.goal, caps=found.caps, settings=found.settings,
                labels=found.labels,
            )  # fmt: skip
    except InvalidInputError as refused:
        said = str(refused)

        assert str(path) in said or "comes after" in said or "wait for each other" in said
        assert None is PYTHON_SPEAK.search(said.replace(str(path), ""))


@given(raw=files)
def test_no_broken_json_is_told_in_words_of_python(folder, raw):
    """Whatever stands in it, a JSON file is a run, or is refused in plain words."""
    text = json.dumps(raw, default=str)
    check(written(folder, text, "run.json"))


@given(raw=files)
def test_no_broken_yaml_is_told_in_words_of_python(folder, raw):
    """Likewise for YAML, which has dates, and names that are no texts."""
    check(written(folder, yaml.dump(raw, allow_unicode=False), "run.yaml"))


@given(text=texts, kind=st.sampled_from(["toml", "yaml", "json"]))
def test_no_text_is_told_in_words_of_python(folder, text, kind):
    """What is not even of the format is refused with its place."""
    check(written(folder, text, f"run.{kind}"))


BROKEN = """
gaol = "x"
[[phases]]
category = "docs"
complexity = 3
[[phases]]
id = "b"
category = "docs"
complexity = "low"
afer = ["x"]
inputs = 3
after = ["a", 4]
labels = {team = 5}
payload = {day = 2026-01-31}
"""


def test_all_that_is_wrong_is_told_at_once(tmp_path):
    """Each line has phase, field, what stands there and what must; the nearest field is named."""
    expected = """8 things are wrong.
  phase 1: id is missing; it must be a text.
  phase 1: complexity is 3; it must be a text: put it in quotes.
  phase 2 ('b'): payload cannot be stored as JSON: date is not JSON (at day).
  phase 2 ('b'): inputs is 3; it must be a table.
  phase 2 ('b'): after[1] is 4; it must be a text: put it in quotes.
  phase 2 ('b'): labels.team is 5; it must be a text: put it in quotes.
  phase 2 ('b') has no field 'afer'. Did you mean 'after'?
  the file has no field 'gaol'. Did you mean 'goal'?"""

    assert expected == told(written(tmp_path, BROKEN))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("r.toml", "phases = 3", "phases is 3; it must be a list."),
        ("r.yaml", "- a", "the file is a list; it must be a table."),
        ("r.yaml", "phases: [x]", "phase 1 is 'x'; it must be a table."),
        ("r.yaml", "1: 2", "the file has the name 1; a name must be a text."),
        ("r.yaml", "phases:", "phases is empty; it must be a list."),
        ("r.yaml", "a: [", "cannot be read: expected the node content, but found"),
        ("r.yaml", "a: !!timestamp x", "cannot be read: a value does not fit its form."),
        ("r.yaml", "phases: [&a {id: x, category: a, complexity: low, payload: *a}]",
         "cannot be read: it is a part of itself."),
        ("r.json", "[" * 100_000, "cannot be read: it is nested too deeply."),
        ("r.json", '{"colour": 1}', "has no field 'colour'. Fields: phases, goal, caps, settings"),
        ("r.toml", "caps = {token = 3}", "no cap is called 'token'. Did you mean 'tokens'?"),
        ("r.toml", "caps = {usd = 0}", "the cap in usd is 0; it must be a number above 0."),
        ("r.json", json.dumps({"phases": [{**GOOD, "timeout_s": 0}]}),
         "timeout_s is 0.0; it must be a number of seconds above 0, at most 31,622,400 (a year)."),
        ("r.json", json.dumps({"phases": [{**GOOD, "timeout_s": 1e15}]}), "timeout_s is 100000"),
        ("r.json", json.dumps({"phases": [{**GOOD, "priority": 10**17}]}),
         "priority is 100000000000000000; it must be a whole number, at most 9,007,199,254,7"),
        ("r.json", json.dumps({"phases": [{**GOOD, "payload": DEEP}]}),
         "payload cannot be stored as JSON: it is nested more than 100 deep (at [0][0][0]"),
        ("r.json", json.dumps({"phases": [{**GOOD, "id": "a\n"}]}), "phase 1 ('a\\n') cannot be"),
        ("r.json", json.dumps({"phases": [GOOD, {**GOOD, "id": "b"}, GOOD]}),
         "phase 3 ('a'): id is 'a', as that of phase 1; it must be its own."),
        ("r.json", json.dumps({"phases": [{**GOOD, "x": 1}] * 30}), "\n  and 10 more"),
        ("r.txt", "", "the file must end in one of .toml, .yaml, .yml, .json."),
    ],
)  # fmt: skip
def test_each_fault_is_told_with_its_place(tmp_path, name, text, said):
    """The file, the phase, the field, the value, and what is allowed."""
    assert said in told(written(tmp_path, text, name))


def test_the_same_run_in_every_format(tmp_path):
    """TOML, YAML and JSON say the same; one text is a list of one; a mark at the start goes."""
    toml = '\ufeff[[phases]]\nid = "a"\ncategory = "docs"\ncomplexity = "low"\nafter = "b"\n'
    raw = {"phases": [{**GOOD, "after": ["b"]}]}
    found = [
        read_run_file(written(tmp_path, toml, "r.toml")),
        read_run_file(written(tmp_path, yaml.dump(raw), "r.yml")),
        read_run_file(written(tmp_path, json.dumps(raw), "r.json")),
    ]

    assert found[0] == found[1] == found[2]
    assert ("b",) == found[0].phases[0].after
    assert RunFile() == read_run_file(written(tmp_path, "", "r.yaml"))


def test_other_files_are_told_in_the_same_words(tmp_path):
    """A file of prices, and a proposal."""
    prices = written(tmp_path, '[[prices]]\nmodel = "m"\nsince = 2026-01-31\ninput = "x"\n')
    with pytest.raises(
        InvalidInputError,
        match=r"2 things.*\n.*prices\[0\]\.input cannot be used: 'x' is no amount",
    ):
        prices_from_file(prices)
    with pytest.raises(InvalidInputError, match="calibrator is missing; it must be a text"):
        proposal_from_json(written(tmp_path, '{"proposal": {}}', "p.json"))


@pytest.mark.parametrize("multiplier", [0, 1e-5, 1001, 1e300])
def test_a_proposal_with_an_absurd_multiplier(tmp_path, multiplier):
    """It is refused where it is read, with the file, the group and the bounds."""
    held = {
        "calibrator": "median-ratio",
        "estimator": "deliverables",
        "base_version": "v1",
        "new_version": "v2",
        "samples_used": 9,
        "new": {"docs/low": multiplier},
    }

    with pytest.raises(InvalidInputError, match=r"p\.json: .*docs/low is .*0\.0001 to 1,000"):
        proposal_from_json(written(tmp_path, json.dumps({"proposal": held}), "p.json"))


def test_a_file_that_is_far_too_large_is_not_read(tmp_path, monkeypatch):
    """It is refused by its size, with what to do about it."""
    path = written(tmp_path, "goal: " + "x" * 200, "r.yaml")
    monkeypatch.setattr(run_files, "BYTES_MOST", 100)

    assert "has 206 bytes, over the limit of 100. Split it" in told(path)


def test_a_payload_that_is_in_itself_ten_times_over_is_refused():
    """From Python, too, where nobody counts what is named twice."""
    payload = ["ha"]
    for _level in range(9):
        payload = [payload] * 10
    with pytest.raises(InvalidInputError, match=r"payload cannot be stored .* over 1,000,000 val"):
        parse_run({"phases": [{**GOOD, "payload": payload}]}, source="here")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('currency = "EUR"', "currency is 'EUR'; prices are in USD"),
        ('curency = "USD"', "curency"),
        ('version = "2026-11"\ncurrency = "USD"', None),
    ],
)
def test_a_file_of_prices_says_its_currency_and_version(tmp_path, text, says):
    """In USD; a word that is not known is refused, and does not stand there for nothing."""
    prices = '[[prices]]\nmodel = "m"\nsince = 2026-01-31\ninput = 1\noutput = 2\n'
    path = written(tmp_path, f"{text}\n{prices}")
    if says is None:
        assert prices_from_file(path).version.startswith(path.name)
        return

    with pytest.raises(InvalidInputError, match=says):
        prices_from_file(path)


def test_a_file_with_two_prices_of_a_day_is_refused(tmp_path):
    """By its name, with the model and the day."""
    one = '[[prices]]\nmodel = "m"\nsince = 2026-01-31\ninput = 1\noutput = 2\n'
    path = written(tmp_path, one * 2)

    with pytest.raises(InvalidInputError, match=r"two prices of m from 2026-01-31 on"):
        prices_from_file(path)
