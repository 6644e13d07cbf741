"""What the library logs stops nobody's work."""

import structlog
from structlog.testing import capture_logs

from autopack.plugins.narrator import Narrator


def test_words_and_levels_come_through():
    """Each method is its level, with the words that were given."""
    before = structlog.get_config()
    structlog.reset_defaults()  # a command that ran before may have asked for warnings only
    try:
        with capture_logs() as logged:
            Narrator("x").info("a", n=1)
            Narrator("x").warning("b")
            Narrator("x").error("c", exc_info=ValueError())
    finally:
        structlog.configure(**before)

    assert [("a", "info"), ("b", "warning"), ("c", "error")] == [
        (one["event"], one["log_level"]) for one in logged
    ]
    assert 1 == logged[0]["n"]


def test_a_log_that_cannot_be_written_is_left():
    """A pipe that nobody reads any more is no error of who logs."""

    def broken(*_arguments):
        raise BrokenPipeError(32, "Broken pipe")

    before = structlog.get_config()
    structlog.configure(processors=[broken])
    try:
        Narrator("x").warning("nobody hears this")
    finally:
        structlog.configure(**before)
