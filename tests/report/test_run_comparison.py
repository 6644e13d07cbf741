"""Two runs as text: totals, then what stands otherwise, then other figures, then the rest."""

import json

import pytest

from autopack.format.codec import plain
from autopack.report.run_comparison import (
    PhaseDifference,
    RunComparison,
    RunSide,
    WorkSide,
    comparison_json,
    comparison_lines,
)
from autopack.values.json_text import json_text
from autopack.values.money import Usd


def work(state="COMPLETE", **fields):
    told = {"attempts": 1, "calls": 1, "tokens": 1000, "seconds": 2.0, "cost_usd": Usd("0.5")}
    return WorkSide(state=state, **{**told, **fields})


def side(run_id="a", n=1, **fields):
    return RunSide(
        run_id=run_id, position=9, at=None, phases=n, phases_by_state={"COMPLETE": n},
        work=work(**fields),
    )  # fmt: skip


def compared(*changed, a=None, b=None, **fields):
    return RunComparison(
        a=a or side(), b=b or side("b"), changed=changed, same=fields.pop("same", 0), **fields
    )


def phase(name="p", a=None, b=None):
    return PhaseDifference(phase_id=name, a=a or work(), b=b or work())


def text(found, **settings):
    return "\n".join(comparison_lines(found, **settings))


def rows(found, **settings):
    """Return the lines as words."""
    return [line.split() for line in comparison_lines(found, **settings)]


def test_totals_have_a_difference_and_a_share():
    """Of what was used; counts of phases are counts, and what is shown alike is the same."""
    found = compared(a=side(n=2), b=side("b", n=3, tokens=500, cost_usd=Usd("1"), seconds=2.04))

    assert [
        ["a", "b", "difference"],
        ["phases", "2", "3", "+1"],
        ["complete", "2", "3", "+1"],
        ["attempts", "1", "1", "="],
        ["tokens", "1,000", "500", "-500", "-50", "%"],
        ["USD", "0.50", "1.00", "+0.50", "+100", "%"],
        ["seconds", "2.0", "2.0", "="],
    ] == rows(found)


@pytest.mark.parametrize(
    ("cost", "without", "shown"),
    [(Usd("0.5"), 1, ["≥", "0.50"]), (None, 1, ["unknown"]), (None, 0, ["unknown"])],
)
def test_what_is_not_known_has_no_difference(cost, without, shown):
    """A sum that lacks some is at least so much."""
    found = compared(b=side("b", cost_usd=cost, calls_without_cost=without))

    assert ["USD", "0.50", *shown, "unknown"] in rows(found)


def test_what_stands_otherwise_says_why():
    """Before and after, or what the reason was; a reason alone counts too."""
    failed = work("FAILED", reason="no such column\nat all")
    found = compared(
        phase("mended", failed, work()),
        phase("broke", work(), failed),
        phase("otherwise", failed, work("FAILED", reason="too late")),
    )
    shown = text(found)

    assert "mended     FAILED → COMPLETE  was: no such column at all" in shown
    assert "broke      COMPLETE → FAILED  no such column at all" in shown
    assert "otherwise  FAILED             no such column at all → too late" in shown


def test_other_figures_stand_in_a_table():
    """Both where they differ, one where they do not, a dash where nothing was begun."""
    nothing = work("QUEUED", attempts=0, calls=0, tokens=0, cost_usd=Usd("0"), seconds=0.0)
    found = compared(phase("p", work(), work(tokens=1500)), phase("q", nothing, work()))

    assert ["p", "1", "1,000", "→", "1,500", "0.50", "2.0"] in rows(found)
    assert ["q", "0", "→", "1", "-", "→", "1,000", "-", "→", "0.50", "-", "→", "2.0"] in rows(found)


def test_another_time_alone_is_counted_and_shown_if_asked_for():
    """Two runs never take the same."""
    found = compared(phase("p", work(), work(seconds=3.0)), same=2)

    assert text(found).endswith("\n1 phase took another time only, 2 phases are the same")
    assert "2.0 → 3.0" not in text(found)
    assert "2.0 → 3.0" in text(found, most=None)


def test_long_lists_end_with_how_many_more():
    """Of each kind; --all shows them."""
    many = [phase(f"p{n}", work(), work("FAILED", tokens=n)) for n in range(25)]
    found = compared(*many, only_in_a=tuple("abcdefgh") * 3)
    shown = text(found)

    assert (2, 1) == (shown.count("+5 more: --all"), shown.count("+4 more: --all"))
    assert "more: --all" not in text(found, most=None)


def test_names_are_shown_and_not_obeyed():
    """They come from files."""
    found = compared(phase("\x1b[1m", work(), work("FAILED")), only_in_b=("\x07",))

    assert "\\x1b[1m" in text(found)
    assert text(found).replace("\n", "").isprintable()


def test_json_has_all_and_says_in_what_phases_differ():
    """Also those that took another time only."""
    found = compared(phase("p", work(), work(seconds=3.0)), phase("q", work(), work("FAILED")))
    values = json.loads(json_text(plain(comparison_json(found))))

    assert [["seconds"], ["state"]] == [one["differs"] for one in values["changed"]]
    assert ("a", 1000) == (values["a"]["run_id"], values["a"]["work"]["tokens"])
