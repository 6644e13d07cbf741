"""A matrix of trials: columns under any name, what is unknown, and what cannot be read."""

import pytest

import autopack
from autopack.errors import InvalidInputError
from autopack.prediction.calibration.price_table import PriceEntry, PriceTable
from autopack.prediction.cascades.trial_rows import trials_of
from autopack.prediction.cascades.trials import Trial
from autopack.values.money import Usd

ROW = {"task": "t1", "model": "small", "cost_usd": "0.02", "verdict": "true"}
PRICES = PriceTable(
    entries=(
        PriceEntry(model="small", since="2026-01-01", input=Usd.of(1), output=Usd.of(10)),
        PriceEntry(model="small", since="2026-06-01", input=Usd.of(2), output=Usd.of(20)),
    )
)


def test_a_whole_record():
    """Every field that a record tells is read."""
    record = {"Task_ID": 7, "request_model": "m", "usd": 0.5, "resolved": False, "checked": 1}
    (trial,) = trials_of([{**record, "api_calls": "12"}])

    assert Trial(task="7", model="m", cost_usd=0.5, right=False, checked=True, calls=12) == trial


@pytest.mark.parametrize(
    ("said", "meant"),
    [(True, True), ("False", False), ("yes", True), ("no", False), (1, True), (0, False),
     ("right", True), ("wrong", False), ("passed", True), ("failed", False), (1.0, True)],
)  # fmt: skip
def test_a_verdict(said, meant):
    """Words and numbers that can only mean one of two things are read as it."""
    assert meant is trials_of([{**ROW, "verdict": said}])[0].right


@pytest.mark.parametrize("name", ["cost_usd", "verdict", "checked"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_what_is_not_told_is_unknown(name, nothing):
    """An empty cell is neither 0 nor false."""
    field = {"cost_usd": "cost_usd", "verdict": "right", "checked": "checked"}[name]
    (trial,) = trials_of([{**ROW, name: nothing}])

    assert getattr(trial, field) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost_usd", "$0.02"), ("cost_usd", "0,02"), ("cost_usd", "2 cents"), ("cost_usd", -1),
        ("cost_usd", float("nan")), ("cost_usd", "inf"), ("cost_usd", True),
        ("verdict", 0.5), ("verdict", "maybe"), ("verdict", 2), ("checked", "ok?"),
        ("calls", 1.5), ("calls", -1), ("input_tokens", "many"), ("task", True), ("task", ["t"]),
        ("model", 1.5), ("at", "yesterday"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(name, value):
    """By the number of its record and its column; nothing is guessed."""
    with pytest.raises(InvalidInputError, match=rf"Record 2 of the trace: {name} is ") as caught:
        trials_of([ROW, {**ROW, name: value}])

    assert name == caught.value.name


@pytest.mark.parametrize("name", ["task", "model"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_record_says_whose_it_is(name, value):
    """A trial of no task, or of no model, is refused."""
    with pytest.raises(InvalidInputError, match=f"Record 1 of the trace names no {name}"):
        trials_of([{**ROW, name: value}, ROW])


@pytest.mark.parametrize("name", ["task", "model", "verdict"])
def test_a_column_that_is_needed(name):
    """Without it the trace is no matrix; the message says how to name another column."""
    row = {key: value for key, value in ROW.items() if key != name}

    with pytest.raises(InvalidInputError, match=f"The trace has no column of {name}s") as caught:
        trials_of([{**row, "other": 1}])

    assert f"--column {name}=NAME" in caught.value.typed


def test_a_cost_without_its_unit():
    """A column that does not say USD is not taken for it; the message names the column."""
    row = {"task": "t", "model": "m", "cost": 2, "verdict": True}
    with pytest.raises(InvalidInputError, match=r"no column of costs in USD\. It has: .*cost"):
        trials_of([row])

    assert 2.0 == trials_of([row], columns={"cost_usd": "cost"})[0].cost_usd
    assert trials_of([row], prices=PRICES)[0].cost_usd is None


def test_other_columns():
    """A field is read from the column that is named for it."""
    row = {"case": "c", "llm": "m", "price": 2, "ok": "no"}
    named = {"task": "case", "model": "llm", "cost_usd": "price", "verdict": "ok"}

    assert [Trial(task="c", model="m", cost_usd=2.0, right=False)] == trials_of(
        [row], columns=named
    )


@pytest.mark.parametrize(
    ("at", "usd"),
    [("2026-02-01", 0.003), ("2026-07-01", 0.006), (None, 0.006), ("2025-01-01", None)],
)
def test_tokens_and_their_prices(at, usd):
    """A cost is computed as of the record's moment; without one, as of the latest price."""
    row = {**ROW, "cost_usd": None, "input_tokens": 1000, "output_tokens": 200, "at": at}

    assert usd == trials_of([row], prices=PRICES)[0].cost_usd


@pytest.mark.parametrize("lacking", ["input_tokens", "output_tokens"])
def test_tokens_that_are_not_told_have_no_price(lacking):
    """Half a price would be too low."""
    row = {**ROW, "cost_usd": None, "input_tokens": 1000, "output_tokens": 200, lacking: None}

    assert trials_of([row], prices=PRICES)[0].cost_usd is None


def test_a_cost_that_is_told_is_not_computed():
    """What was paid is known better than what a table says."""
    row = {**ROW, "input_tokens": 1000, "output_tokens": 200}

    assert 0.02 == trials_of([row], prices=PRICES)[0].cost_usd


def test_an_empty_trace_says_what_is_needed(tmp_path):
    """Of a matrix, and not of a trace of calls."""
    (tmp_path / "m.csv").write_text("task,model\n", encoding="utf-8")

    with pytest.raises(InvalidInputError, match="Needed are task, model and verdict"):
        autopack.advise_models(trace=tmp_path / "m.csv")
