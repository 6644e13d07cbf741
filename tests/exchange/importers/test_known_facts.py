"""Facts that are known by their ids: in any order and number of tellings, the same account."""

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, import_history, status
from autopack.events import LlmUsageRecorded, RunCreated
from autopack.events.usage import usage_id
from autopack.ports.importing import ImportSource
from autopack.ports.log import NewEvent
from autopack.values.ids import derived_id
from autopack.values.money import Usd
from drains import found

_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


class Told:
    """Hands on what it is given, as a source whose events are known by their ids."""

    name = "told"

    def __init__(self, *events):
        self.events = events

    def recognises(self, path):
        return False

    def read(self, path):
        return ImportSource(events=iter(self.events), known_by_id=True)


def call(output, *, key="c", run="r", second=0, **more):
    figures = {"input_tokens": 100, "output_tokens": output, "total_tokens": 100 + output, **more}
    event = LlmUsageRecorded(
        run_id=run, phase_id="p", attempt=1, call_id=key, provider="x", **figures
    )
    at = _BEGAN + timedelta(seconds=second)
    return f"phase-{run}/p", NewEvent(event=event, event_id=usage_id("x", key), occurred_at=at)


def created(goal):
    event_id = derived_id("told", "r", "run.created")
    return "run-r", NewEvent(event=RunCreated(run_id="r", goal=goal), event_id=event_id)


@pytest.fixture
def log():
    with create_log("memory:") as made:
        yield made


def bring(log, tmp_path, *events):
    return import_history(log, Told(*events), tmp_path)


def test_the_greatest_figures_count(log, tmp_path):
    """A call that is told three times is one call, of the greatest figures."""
    report = bring(log, tmp_path, call(5), call(90, second=1), call(40, second=2))

    assert (1, 190, 90) == (status(log).calls, status(log).total_tokens, status(log).output_tokens)
    assert (3, 2, 1, 1) == (report.read, report.added, report.amended, report.repeated)


def test_a_later_import_amends_what_has_grown(log, tmp_path):
    """Each import adds what is greater than all before it, and an old copy adds nothing."""
    added = [bring(log, tmp_path, call(output)).added for output in (5, 40, 90, 40, 5, 90)]

    assert [1, 1, 1, 0, 0, 0] == added
    assert 90 == status(log).output_tokens


def test_what_was_told_first_stays(log, tmp_path):
    """A fact that is told otherwise later is the same fact: no error, and nothing is added."""
    bring(log, tmp_path, created("first"))
    report = bring(log, tmp_path, created("second"), created("third"))

    assert (2, 0, 2) == (report.read, report.added, report.repeated)
    assert ["first"] == [event.goal for event in found(log, "run.created")]


def test_a_call_of_two_runs_is_one_call(log, tmp_path):
    """A session that copies another's lines uses nothing; what has grown there amends the first."""
    bring(log, tmp_path, call(5))
    bring(log, tmp_path, call(5, run="copy"), call(9, run="copy", second=3))

    assert ["r"] == [event.run_id for event in found(log, "llm.usage_amended")]
    assert (1, 109) == (status(log).calls, status(log).total_tokens)


def test_a_cost_that_is_told_later_counts(log, tmp_path):
    """A price that comes with a later line amends the call, as reported."""
    bring(log, tmp_path, call(5), call(5, cost_usd=Usd.of("0.25")))

    assert Usd.of("0.25") == status(log).cost_usd
    assert ["reported"] == [event.cost_source for event in found(log, "llm.usage_amended")]


@given(
    outputs=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), min_size=1),
    seed=st.integers(0, 99),
    cut=st.integers(0, 20),
)
def test_order_and_number_do_not_matter(tmp_path_factory, outputs, seed, cut):
    """Whatever the order, and wherever an import ends, totals are those of the greatest."""
    told = [call(output, key=key) for key, output in outputs]
    random.Random(seed).shuffle(told)
    greatest = {key: max(o for k, o in outputs if k == key) for key, _output in outputs}
    folder = tmp_path_factory.mktemp("told")
    with create_log("memory:") as log:
        bring(log, folder, *told[:cut], *told)
        bring(log, folder, *told[cut:])

        assert sum(greatest.values()) == status(log).output_tokens
        assert len(greatest) == status(log).calls
        assert log.verify().is_clean


def test_nothing_is_remembered_between_batches(log, tmp_path):
    """What is held does not grow with what is read: a later batch finds a call in the log."""
    many = [call(1, key=f"k{number}") for number in range(2_100)]
    report = bring(log, tmp_path, *many, *[call(2, key=f"k{number}") for number in range(2_100)])

    assert (2_100, 2_100) == (report.added - report.amended, report.amended)
    assert 4_200 == status(log).output_tokens


def test_a_text_is_redacted_once(tmp_path):
    """Texts that many events share are handed to the redaction hook once in an import."""
    from types import SimpleNamespace

    from autopack import hookimpl, load_plugins

    asked = []

    @hookimpl
    def autopack_redact(text):
        asked.append(text)
        return text.replace("secret", "***")

    plugins = load_plugins(extra=[SimpleNamespace(autopack_redact=autopack_redact)])
    with create_log("memory:", plugins=plugins) as log:
        bring(log, tmp_path, *(call(1, key=f"k{n}", stop_reason="secret") for n in range(50)))
        stored = found(log, "llm.usage_recorded")

    assert 1 == asked.count("secret")
    assert ["***"] * 50 == [event.stop_reason for event in stored]
    assert "secret" not in json.dumps([event.stop_reason for event in stored])


def test_streams_that_take_turns_keep_the_order_in_which_they_were_told(log, tmp_path):
    """Positions follow the telling across streams, and versions follow it within each."""
    told = [call(5, key=f"c{n}", run=run) for n, run in enumerate("aabbabba")]
    bring(log, tmp_path, *told, *told)

    recorded = list(log.read_all())
    assert [f"c{n}" for n in range(8)] == [one.event.call_id for one in recorded]
    assert [1, 2, 1, 2, 3, 3, 4, 4] == [one.version for one in recorded]


def test_a_later_telling_of_the_cache_amends_it(log, tmp_path):
    """Reads and writes of a cache count with their greatest, and never above the input."""
    bring(log, tmp_path, call(5, cache_read_tokens=90))
    bring(log, tmp_path, call(5, cache_write_tokens=60))
    bring(log, tmp_path, call(5, cache_read_tokens=90))
    (amended,) = found(log, "llm.usage_amended")

    assert (150, 90, 60, 155) == (
        amended.input_tokens, amended.cache_read_tokens, amended.cache_write_tokens,
        amended.total_tokens,
    )  # fmt: skip
