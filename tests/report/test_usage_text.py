"""What calls used, for people: figures to the right, unknown said, a bar where there is room."""

import pytest

from autopack.projections.calls import CallRow
from autopack.projections.use_groups import grouped, total_of
from autopack.report.usage_text import usage_json, usage_lines
from autopack.values.money import Usd


def call(model="m", **fields):
    cost = fields.pop("cost_usd", None)
    told = {"input_tokens": 1000, "output_tokens": 250, **fields}
    return CallRow(
        call_id="c", model=model, cost_usd=None if cost is None else Usd.of(cost), **told
    )


def lines(*calls, by=("model",), **settings):
    rows = grouped(calls, by, lambda one: (one.model,) if by else ())
    return usage_lines(by, rows if by else [], total_of(rows), **settings)


def test_a_table_has_a_row_a_group_and_a_sum():
    """Figures stand under each other, their thousands apart; the largest has the longest bar."""
    found = lines(
        call("large", cost_usd="1.2", cost_source="reported", cache_read_tokens=500),
        call("small", cost_usd="0.3", cost_source="computed"),
        width=78,
    )

    assert [
        "model  calls  input  cached  output  tokens   USD",
        f"large      1  1,000    50 %     250   1,250  1.20  {'█' * 24}",
        f"small      1  1,000       -     250   1,250  0.30  {'█' * 6}",
        "total      2  2,000    50 %     500   2,500  1.50",
        "",
        "1.20 USD as providers reported it; 0.30 USD by a price table",
    ] == found


@pytest.mark.parametrize(
    ("calls", "shown", "said"),
    [
        ([call()], "unknown", "1 call without a cost"),
        ([call(cost_usd="1.2"), call(), call()], "≥ 1.20", "2 calls without a cost"),
        ([call(cost_usd=0)], "0.00", ""),
    ],
)
def test_what_nobody_told_is_no_0(calls, shown, said):
    """Nothing, a sum that lacks some, and a call that was free are three things."""
    table, _, notes = "\n".join(lines(*calls)).partition("\n\n")

    assert table.endswith(f"  {shown}")
    assert said in notes


def test_a_division_that_was_guessed_is_said_to_be():
    """And calls that did not tell all of their tokens."""
    guessed = lines(call(split="inferred"))
    partly = lines(call(output_tokens=None))
    whole = lines(call(input_tokens=None, output_tokens=None, total_tokens=9, split="total_only"))

    assert "1 call whose division into input and output is a guess" in guessed
    assert "1 call that did not tell all of their tokens" in partly
    assert "m          1  unknown  unknown       9  unknown" == whole[1]


def test_a_narrow_terminal_gets_no_bar():
    """Rather than lines that are folded."""
    found = lines(call("a", cost_usd=1), call("b", cost_usd=2), width=46)

    assert not any("█" in line for line in found)


def test_without_a_cost_bars_are_of_tokens():
    """The largest by what is known."""
    _, first, second, *_ = lines(call("a"), call("b", output_tokens=1500))

    assert (24, 12) == (first.count("█"), second.count("█"))
    assert first.startswith("b")


def test_names_are_shown_and_not_obeyed():
    """A model's name is somebody's text; None is a name of none."""
    found = lines(call("\x1b[31mred"), call(None))

    assert any(line.startswith("\\x1b[31mred ") for line in found)
    assert any(line.startswith("(none) ") for line in found)


def test_no_calls_are_said():
    """In place of an empty table."""
    assert ["No call was recorded."] == lines()


def test_without_groups_there_is_one_row():
    """The total."""
    expected = ["calls  input  output  tokens      USD", "    1  1,000     250   1,250  unknown"]

    assert expected == lines(call(), by=())[:2]


def test_json_has_null_for_what_nobody_told():
    """Never 0."""
    rows = grouped([call(input_tokens=None, output_tokens=None)], ("model",), lambda one: ("m",))
    [row] = usage_json(("model",), rows, total_of(rows))["rows"]

    assert {"total_tokens": None, "cost_usd": None, "reported_usd": None, "cached_share": None} == {
        name: row[name] for name in ("total_tokens", "cost_usd", "reported_usd", "cached_share")
    }
    assert ({"model": "m"}, 1, 1) == (
        row["group"],
        row["calls_without_cost"],
        row["calls_without_total"],
    )
