"""What a phase in work will still use, in words."""

import pytest

from autopack.prediction.running.remaining_use import RemainingUse
from autopack.report.remaining_text import between, used_line


def rest(**changes):
    """Return what is said of an attempt, but for some changes."""
    usual = {
        "measure": "total_tokens",
        "used": 12_400,
        "least": 2_013,
        "most": 31_422,
        "reached": 40,
        "like": "docs/low/m",
    }
    return RemainingUse(**{**usual, **changes})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {},
            "of ten like it (docs/low/m) that got this far, nine used between 2,000 and 31,000 "
            "more",
        ),
        (
            {"like": "all"},
            "of ten like it that got this far, nine used between 2,000 and 31,000 more",
        ),
        (
            {"least": 0},
            "of ten like it (docs/low/m) that got this far, nine used at most 31,000 more",
        ),
        ({"used": 0}, "of ten like it (docs/low/m), nine used between 2,000 and 31,000"),
        ({"most": None, "reached": 0}, "none like it (docs/low/m) that ended well used so much"),
        (
            {"most": None, "reached": 4},
            "only 4 like it (docs/low/m) used so much: too few to say how it goes on",
        ),
    ],
)
def test_a_sentence_for_each_case(changes, said):
    """Between what, of how many that got as far, and whom it is compared with."""
    assert f"3 calls, 12,400 tokens so far; {said}" == used_line(3, 12_400, [rest(**changes)])


def test_without_tokens():
    """Seconds are told where tokens are not known; nothing where nothing is, but what was used."""
    timed = rest(measure="seconds", used=90, least=12, most=312)
    calls = rest(measure="calls", used=1, least=1, most=2)
    far = "of ten like it (docs/low/m) that got this far"

    assert f"no call yet; {far}, nine used between 12.0 s and 5 min 12 s more" == used_line(
        0, 0, [calls, timed]
    )
    assert "1 call, 900 tokens so far" == used_line(1, 900, [])


def test_figures_are_rounded():
    """Two digits are enough of what is not known better."""
    assert "at most 31,000 more" == between(rest(least=31_001, most=31_422))
    assert "between 4 and 13 more" == between(rest(least=4, most=13))
