"""Settings: names become objects, and what is wrong is said by name."""

from functools import partial

import pytest

from autopack import Choose
from autopack.draining.executors.recorded import RecordedExecutor
from autopack.draining.settings.settings import settings_of
from autopack.draining.strategies.fifo import fifo
from autopack.draining.strategies.one_phase import One
from autopack.errors import InvalidInputError, UnknownNameError
from autopack.plugins.discovery import load_plugins
from autopack.values.ids import PhaseRef
from drains import works


@pytest.fixture(scope="module")
def registry():
    return load_plugins()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"workers": 0}, "workers is 0; give a whole number from 1 to 10,000"),
        ({"workers": "2"}, "workers is '2'"),
        ({"workers": True}, "workers is True"),
        ({"workers": 10**9}, "workers is 1000000000"),
        ({"when_empty": "hang"}, "when_empty is 'hang'"),
        ({"phase_id": "p1"}, "name the run too"),
        ({"timeout_s": 0}, "timeout_s is 0"),
        ({"lease_s": -1}, "lease_s is -1"),
        (
            {"timeout_s": 1e15},
            r"timeout_s is 1\d+\.0; give seconds, above 0, at most 31,622,400",
        ),
        ({"timeout_s": float("nan")}, "timeout_s is nan"),
        ({"timeout_s": "5"}, "timeout_s is '5'; give seconds"),
        ({"lease_s": 1e12}, "lease_s is 1000000000000.0; give seconds, from 0.01, at most 86,400"),
        ({"lease_s": float("inf")}, "lease_s is inf"),
        ({"backoff_cap_s": 1e300}, r"backoff_cap_s is 1e\+300; give seconds, from 0"),
        ({"backoff_base_s": -1.0}, "backoff_base_s is -1.0"),
        ({"max_minutes": float("nan")}, "max_minutes is nan; a limit must be a number above 0"),
        ({"max_tokens": float("inf")}, "max_tokens is inf"),
        ({"max_phases": "3"}, "max_phases is '3'"),
        ({"max_phases": 10**5000}, "max_phases is a number of 16,610 bits"),
        ({"max_phase": 3}, "no setting max_phase"),
        ({"max_phases": 0}, "max_phases is 0"),
        ({"executor": 7}, "7 is no executor"),
        ({"strategy": 7}, "7 is no strategy"),
        ({"strategy": "one"}, "name its run and phase"),
    ],
)
def test_a_wrong_setting_is_named(registry, settings, said):
    """The message names the setting and its value."""
    with pytest.raises(InvalidInputError, match=said):
        settings_of(registry, **{"executor": works, **settings})


class Demanding:
    """Takes options that have no defaults, and prepares amiss."""

    def __init__(self, key):
        self.key = key

    def execute(self, phase, attempt):
        """Do nothing."""

    def prepare(self):
        """Takes no run."""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"executor": lambda phase: None},
         r"executor .*<lambda>\(phase\) cannot be called with \(phase, attempt\): too many"),
        ({"executor": lambda phase, attempt, run: None}, r"missing a required argument: 'run'"),
        ({"executor": lambda *, phase, attempt: None}, r"cannot be called with \(phase, attempt\)"),
        ({"executor": Demanding}, r"Demanding cannot be made without options: .*'key'"),
        ({"executor": Demanding("k")}, r"executor's prepare .*prepare\(\) cannot .* \(run\)"),
        ({"strategy": lambda: None}, r"strategy .*\(\) cannot be called with \(view\): too many"),
        ({"strategy": Demanding}, r"strategy Demanding cannot be made without options"),
        ({"strategy": "cascade"}, r"Cascade cannot be made .* needs 'models'\. .* models=\.\.\."),
    ],
)  # fmt: skip
def test_what_cannot_be_called_as_it_would_be_is_refused(registry, settings, said):
    """The message has the signature: every phase would have failed, one by one."""
    with pytest.raises(InvalidInputError, match=said):
        settings_of(registry, **{"executor": works, **settings})


class Inscrutable:
    """Has no signature that could be looked at, as some builtins have none."""

    __signature__ = 5

    def __call__(self, phase, attempt):
        """Do nothing."""


@pytest.mark.parametrize(
    "executor",
    [
        lambda *arguments: None,
        lambda phase, attempt, more=None: None,
        partial(lambda more, phase, attempt: None, 1),
        Inscrutable(),
    ],
)
def test_what_may_be_called_passes(registry, executor):
    """Defaults, partials and objects without a signature are taken."""
    assert executor is settings_of(registry, executor=executor).execute


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        ({"executor": "nobody"}, "executor"),
        ({"strategy": "nothing"}, "strategy"),
        ({"estimator": "oracle"}, "estimator"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(registry, settings, kind):
    """The error names the kind and what is registered."""
    with pytest.raises(UnknownNameError) as caught:
        settings_of(registry, **{"executor": works, **settings})

    assert kind == caught.value.kind
    assert caught.value.known


def test_names_and_objects_are_both_accepted(registry, tmp_path):
    """A registered name, a class, an object, and file.py:name become what is called."""
    file = tmp_path / "mine.py"
    file.write_text("def execute(phase, attempt):\n    return None\n", encoding="utf-8")

    by_name = settings_of(registry, executor="recorded")
    by_class = settings_of(registry, executor=RecordedExecutor)
    by_file = settings_of(registry, executor=f"{file}:execute")

    assert isinstance(by_name.executor, RecordedExecutor)
    assert isinstance(by_class.executor, RecordedExecutor)
    assert by_file.execute("phase", "attempt") is None
    assert (fifo, "fifo") == (by_name.strategy, by_name.strategy_name)
    assert ("recorded", f"{file}:execute") == (by_name.executor_name, by_file.executor_name)


def test_a_named_phase_is_taken_alone(registry):
    """With a phase id the default strategy is `one`; another one that is named stays."""
    one = settings_of(registry, executor=works, run_id="r", phase_id="p").strategy
    own = settings_of(
        registry, executor=works, run_id="r", phase_id="p",
        strategy=lambda view: Choose(view.ready[0].ref, "mine"),
    ).strategy  # fmt: skip

    assert One(PhaseRef("r", "p")) == one
    assert not isinstance(own, One)


def test_what_is_recorded_of_the_settings_is_plain(registry):
    """Limits that are set, and what the executor says of itself: that it is simulated."""
    kept = settings_of(registry, executor="recorded", max_phases=3, workers=2).recorded()

    assert (3, 2, True, 0) == (
        kept["max_phases"], kept["workers"], kept["simulated"], kept["seed"],
    )  # fmt: skip
    assert "max_tokens" not in kept
