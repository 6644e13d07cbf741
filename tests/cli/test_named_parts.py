"""A strategy and a calibrator have one name, wherever a command says it."""

import json

import pytest

PLUGIN = """\
from autopack import Choose, Stop, hookimpl


class NightShift:
    def __init__(self, until: int, label: str = ""):
        self.until, self.label = until, label

    def __call__(self, view):
        if not view.ready:
            return Stop("done")
        return Choose(view.ready[0].ref, f"until {self.until} {self.label!r}")


class Newest:
    name = "newest"

    def __init__(self, k: int = 50):
        self.k = k

    def initial(self):
        return ()

    def set_aside(self, state, sample):
        return None if sample.actual_output_tokens else "unmeasured"

    def update(self, state, sample):
        return (*state, sample.actual_output_tokens)[-self.k :]

    def predict(self, state, features, tau):
        from autopack import Prediction

        return Prediction(tokens=max(state, default=1), tau=tau, basis=f"{len(state)} newest")

    def propose(self, state):
        raise NotImplementedError


def execute(phase, attempt):
    attempt.record_usage(model="m", output_tokens=90)


def right(work):
    return True


@hookimpl
def autopack_register_strategies(register):
    register("night-shift", NightShift)
"""


@pytest.fixture
def drained(cli, tmp_path, monkeypatch):
    """Drain two of twelve phases by the strategy and the calibrator; return a way to ask more."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "night.py").write_text(PLUGIN, encoding="utf-8")
    phases = json.dumps({"phases": [{"id": f"p{n:02}"} for n in range(12)]})
    (tmp_path / "run.json").write_text(phases, encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def ask(*arguments):
        return cli("--plugins-dir", tmp_path / "plugins", "--log", tmp_path / "work.db", *arguments)

    ask("log", "create", "work.db")
    ask("run", "create", "r", "--phases", "run.json")
    ask.drain = ask(
        "drain", "--executor", "plugins/night.py:execute", "--strategy", "night-shift",
        "-s", "until=5", "-s", "label=1.10", "--calibrator", "plugins/night.py:Newest:k=9",
        "--max-phases", "10", "--check", "plugins/night.py:right",
    )  # fmt: skip
    return ask


def test_a_drains_first_line_names_its_parts(drained):
    """As they were named, without folders; and the share that budgets are to hold."""
    parts = "executor night.py:execute, strategy night-shift"
    others = "calibrator night.py:Newest:k=9 at 0.9, check night.py:right"

    assert f"{parts}, {others}\n" in drained.drain.stderr


def test_a_phase_says_who_chose_it_and_gave_its_budget(drained):
    """A text option stays as it was typed, though it looks like a number."""
    shown = drained("phase", "show", "r/p09").stdout
    lines = dict(line.split("  ", 1) for line in shown.splitlines() if "  " in line)
    found = {name: value.strip() for name, value in lines.items()}
    choice = json.loads(drained("phase", "show", "r/p09", "--json").stdout)["choice"]

    assert ("night-shift", "until 5 '1.10'") == (found["chosen by"], found["why it was chosen"])
    assert "night.py:Newest:k=9 at 0.9" == found["calibrator"]
    assert "newest at 0.9: 9 newest" == found["why this budget"] == choice["budget_basis"]
    assert "night-shift" == choice["strategy"]


def test_it_goes_on_and_is_asked_again_by_its_name(drained, tmp_path, monkeypatch):
    """With its options, though its class keeps none for others to see; and from any folder."""
    again = drained("replay-drain", "last")
    other = drained("replay-drain", "last", "--strategy", "night-shift", "-s", "until=6")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    gone_on = drained("drain", "--resume", "--max-phases", "12")

    assert "of its own strategy, night-shift.\nAll 10 answers are the same." in again.stdout
    assert "In the drain it was made with other options; night-shift is asked" in other.stdout
    assert (0, True) == (gone_on.exit_code, "strategy night-shift, cal" in gone_on.stderr)


def test_an_executor_with_options_is_to_be_given_again(drained):
    """The log keeps none of them: they may be secrets."""
    drained("drain", "--executor", "recorded", "-x", "latency_scale=0", "--max-phases", "1")
    refused = drained("drain", "--resume")

    told = "had executor 'recorded', made with options, which the log cannot bring back."
    assert (2, True) == (refused.exit_code, told in refused.stderr)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("--calibrator", "plugins/night.py:Newest:k=20:share=0.9"),
            "The calibrator 'newest' refuses its options: k is '20:share=0.9'; it must be a whole "
            "number.",
        ),
        (
            ("--strategy", "night-shift", "-s", "until=late"),
            "The strategy 'night-shift' refuses its options: until is 'late'; it must be a whole "
            "number.",
        ),
        (
            ("-x", "latency_scale=fast"),
            "The executor 'recorded' refuses its options: latency_scale is 'fast'; it must be a "
            "number.",
        ),
    ],
)
def test_an_option_of_another_type_is_refused_before_anything_is_written(drained, arguments, told):
    """With what was given and what must be."""
    before = drained("log", "info", "--json").stdout
    refused = drained("drain", "--executor", "recorded", *arguments)

    assert 2 == refused.exit_code
    assert f"autopack: {told}\n" in refused.stderr
    assert before == drained("log", "info", "--json").stdout
