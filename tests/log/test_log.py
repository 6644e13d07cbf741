"""A log shows what is documented of it, and nothing of what it is made of."""

import inspect

import pytest

import autopack
from autopack.log.log import handler_of, journal_of, registry_of

CONTRACT = {
    *("append", "append_batch", "read", "read_all", "follow", "subscribe", "head", "info"),
    *("verify", "backup", "artifacts", "close"),
}
AWAITED = {"aappend", "aappend_batch", "afollow", "asubscribe", "acall"}
PLAIN_ALONE = {("asubscribe", "cursors")}
EXTENDED = {"target", "as_of", "skip_event", "refresh_views", "observer_faults", "keep_past"}


def names(shown):
    """The names that stand open on an object."""
    return {name for name in dir(shown) if not name.startswith("_")}


class TestSurface:
    """What users can hold on to is listed once."""

    def test_a_log_has_the_documented_names_and_no_others(self, log):
        """Neither its class nor an open log shows a part that it is made of."""
        assert CONTRACT | AWAITED | EXTENDED == names(log) == names(type(log))

    def test_each_name_says_what_it_is(self):
        """The page of the class is made of these docstrings."""
        bare = [name for name in names(autopack.Log) if not getattr(autopack.Log, name).__doc__]

        assert [] == bare

    @pytest.mark.parametrize("name", sorted(AWAITED - {"acall", "afollow"}))
    def test_an_awaited_form_takes_what_its_plain_form_takes(self, name):
        """So that one is written from the other."""
        plain = inspect.signature(getattr(autopack.Log, name.removeprefix("a")))
        awaited = inspect.signature(getattr(autopack.Log, name))

        shared = [one for one in plain.parameters if (name, one) not in PLAIN_ALONE]
        assert shared == list(awaited.parameters)


class TestParts:
    """The library's own modules get below the surface by three functions."""

    def test_a_log_has_one_of_each(self, log):
        """So what a handler has folded is known to whoever asks next."""
        journal = journal_of(log)

        assert journal is journal_of(log)
        assert handler_of(log) is handler_of(log)
        assert journal is handler_of(log).journal
        assert registry_of(log).codec is journal.codec

    def test_whoever_opens_a_log_says_by_which_clock_it_goes(self, tmp_path):
        """Made or opened, events are recorded at the time that it tells."""
        with autopack.create_log(tmp_path / "log.db", clock=lambda: 60.0) as log:
            autopack.create_run(log, "r")
        with autopack.open_log(tmp_path / "log.db", clock=lambda: 120.0) as log:
            autopack.pause_run(log, "r", why="w")
            told = [recorded.recorded_at.timestamp() for recorded in log.read_all()]

        assert [60.0, 120.0] == told
