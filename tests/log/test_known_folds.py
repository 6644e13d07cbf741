"""What was folded of a view is kept in memory, and nobody can tell but by what it takes."""

import threading
from functools import partial

import pytest
from tests.log.counting_board import CountingBoard

import autopack
from autopack.events import PhaseQueued
from autopack.log import views
from autopack.log.known_folds import KnownFolds
from autopack.log.log import journal_of
from autopack.ports.projection import projection
from autopack.testing.facts import append_all, created, queued


@pytest.fixture
def log(tmp_path):
    with autopack.create_log(tmp_path / "work.db") as log:
        append_all(log, [created(), *(queued(f"p{n}", index=n) for n in range(5))])
        yield log


def shown_by(board, look):
    """Return how many events a board is shown by a look at it."""
    before = board.shown
    look()
    return board.shown - before


class TestKnown:
    """Of a log in use, an event is folded once into each view that is asked for."""

    def test_only_what_is_new_is_folded(self, log):
        """Whether rows, a total or one row is asked for."""
        board = CountingBoard()
        look = partial(autopack.view, log, board)
        found = [shown_by(board, look), shown_by(board, look)]
        append_all(log, [queued("p5", index=5), created("r2")])
        found += [shown_by(board, partial(look, key="p5")), shown_by(board, look)]

        assert [5, 0, 1, 0] == found
        assert views.replay(journal_of(log), board).rows == look().rows
        assert 6 == look().total == look(with_rows=False).total

    def test_it_is_so_on_top_of_what_is_persisted(self, log):
        """A state that is persisted meanwhile takes the place of what was known."""
        board = CountingBoard()
        look = partial(autopack.view, log, board)
        look()
        log.refresh_views(also=[board])
        append_all(log, [queued("p5", index=5)])

        assert [1, 0] == [shown_by(board, look), shown_by(board, look)]
        assert (6, 6) == (look().total, len(look().rows))

    def test_a_view_of_many_rows_does_not_stay_in_memory(self, log):
        """It is folded anew, as often as it is asked for."""
        journal_of(log).folds = KnownFolds(rows_most=4)
        board = CountingBoard()
        look = partial(autopack.view, log, board)

        assert [5, 5] == [shown_by(board, look), shown_by(board, look)]

    def test_a_value_that_was_changed_by_who_got_it_is_told_to_nobody_else(self, log):
        """A view without rows may be of any kind, and is folded anew."""

        @projection(initial=[], types=(PhaseQueued,))
        def names(view, recorded):
            return [*view, recorded.event.phase_id]

        autopack.view(log, names).value.append("another")

        assert [f"p{n}" for n in range(5)] == autopack.view(log, names).value

    def test_the_past_keeps_any(self, log):
        """A moment is asked a few things, and goes."""
        board, past = CountingBoard(), log.as_of(4)
        journal_of(log).folds = KnownFolds(rows_most=0)
        look = partial(autopack.view, past, board)

        assert [3, 0] == [shown_by(board, look), shown_by(board, look)]

    def test_few_projections_are_known(self, log):
        """Those that were asked for last: a program may make a new one each time."""
        boards = [CountingBoard() for _ in range(17)]
        for board in boards:
            autopack.view(log, board)
        last, first = (partial(autopack.view, log, board) for board in (boards[-1], boards[0]))

        assert [0, 5] == [shown_by(boards[-1], last), shown_by(boards[0], first)]

    def test_an_older_moment_of_the_storage_is_told_as_it_was(self, log):
        """Who reads within a snapshot is not told what another thread has folded since."""
        board, journal = CountingBoard(), journal_of(log)
        with journal.backend.snapshot() as reader:
            append_in_thread = partial(append_all, log, [queued("p5", index=5)])
            log.head()
            _in_thread(append_in_thread)
            _in_thread(partial(autopack.view, log, board))
            found = views.folded(journal, board, reader)

        assert (5, 6) == (found.total, autopack.view(log, board).total)


def _in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
