"""Parts of a drain are said without the folders of their files."""

import pytest

from autopack.report.part_names import calibrator_words, part_name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("fifo", "fifo"),
        ("/home/me/work/night.py:night_shift", "night.py:night_shift"),
        ("C:\\work\\night.py:NightShift", "night.py:NightShift"),
        ("/work/mine.py:NewestOf:k=20,path=/tmp/x", "mine.py:NewestOf:k=20,path=/tmp/x"),
        ("mixture:experts=/a/mine.py:X+/b/other.py:Y", "mixture:experts=mine.py:X+other.py:Y"),
    ],
)
def test_a_file_has_no_folder(name, said):
    """Nor has one that an option names."""
    assert said == part_name(name)


def test_a_calibrator_is_said_with_its_share():
    """As far as the log tells them; nobody is none."""
    assert "mixture at 0.95" == calibrator_words({"calibrator": "mixture", "tau": 0.95})
    assert "mixture" == calibrator_words({"calibrator": "mixture", "tau": None})
    assert calibrator_words({"calibrator": None, "tau": 0.9}) is None
