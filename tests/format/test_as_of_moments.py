"""As of when events count: the greatest word of a clock so far, with those far ahead left out."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autopack import create_log, export_history, import_history, open_log, replay, restore_log
from autopack.format.as_of_moments import FAR_US, Count
from autopack.log.backends.memory import MemoryBackend
from autopack.log.backends.sqlite.store import SqliteBackend
from autopack.log.log import Log, journal_of
from autopack.log.views import position_at
from autopack.ports.log import ANY
from autopack.testing.facts import paused

_DAY = 86_400
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_2096 = datetime(2096, 5, 1, tzinfo=UTC)


def expected(words):
    """Return as of when each event counts, by the rules as they are written, from the start."""
    moments = []
    for n, word in enumerate(words, 1):
        if not moments or word >= moments[-1]:
            moments.append(word)
        elif word >= moments[-1] - FAR_US:
            moments.append(moments[-1])
        else:
            g = max((i for i, m in enumerate(moments, 1) if m <= word), default=0)
            k = max(i for i, m in enumerate(moments, 1) if m == words[i - 1] == moments[-1])
            leapt = (
                moments[g] - moments[g - 1] > FAR_US
                if g
                else (moments[k - 1] - moments[0] <= FAR_US)
            )
            if leapt or n - k >= k - g:
                moments[g:] = [moments[g - 1] if g else word] * (n - 1 - g)
                moments.append(word)
            else:
                moments.append(moments[-1])
    return moments


def recorded(backend, words, sizes=None):
    """Append as many events as *sizes* says at each word, in seconds since 1970."""
    for word, size in zip(words, sizes or itertools.repeat(1), strict=False):
        log = Log(backend, clock=lambda word=word: word)
        log.append("s", [paused()] * size, expected_version=ANY)
    return Log(backend)


def at(*moments):
    """Return the seconds since 1970 of moments."""
    return [moment.timestamp() for moment in moments]


def seen(log, moment):
    """Return how many events a replay until a moment folds."""
    return replay(log, "runs", until=moment).position


words = st.lists(
    st.sampled_from([0, 1, 2, _DAY - 1, _DAY, _DAY + 1, 2 * _DAY, 40 * _DAY, 4 * 10**9])
    | st.integers(0, 100 * _DAY),
    min_size=1,
    max_size=14,
)


class TestRules:
    """One account of what the words say, in memory, in a file, and from the start."""

    @given(words=words)
    def test_a_count_follows_the_rules(self, words):
        """Counted one by one, each event counts as it does by the rules."""
        count = Count()
        for word in words:
            count.add(word * 1_000_000)
        moments = [count.as_of(position) for position in range(1, len(words) + 1)]

        assert expected([word * 1_000_000 for word in words]) == moments
        assert sorted(moments) == moments

    @pytest.mark.parametrize(
        ("words", "moments"),
        [
            # All was told within a day, or within a second more.
            ([10 * _DAY, 11 * _DAY, 5 * _DAY], [5 * _DAY] * 3),
            ([10 * _DAY, 11 * _DAY + 1, 5 * _DAY], [10 * _DAY, 11 * _DAY + 1, 11 * _DAY + 1]),
            # The clock goes back by a day, or by a second more.
            ([5, 2 * _DAY + 5, _DAY + 5], [5, 2 * _DAY + 5, 2 * _DAY + 5]),
            ([5, 2 * _DAY + 5, _DAY + 4], [5, 5, _DAY + 4]),
            # A leap is more than a day.
            ([0, _DAY, _DAY + 9, 3 * _DAY // 2, 0], [0, _DAY, _DAY + 9, *[3 * _DAY // 2] * 2]),
            ([0, _DAY + 1, _DAY + 9, 3 * _DAY // 2, 0], [0, 0, 0, 0, 0]),
        ],
    )
    def test_a_day_is_not_more_than_a_day(self, words, moments):
        """Each rule's bound, to the second."""
        log = recorded(MemoryBackend(), words)

        assert moments == [
            journal_of(log).backend.as_of(n) // 1_000_000 for n in range(1, len(words) + 1)
        ]

    @given(words=words, sizes=st.lists(st.integers(1, 4), min_size=14, max_size=14))
    def test_a_log_counts_what_its_events_say(self, words, sizes):
        """However many are appended at once, and however they are asked for."""
        log = recorded(MemoryBackend(), words, sizes)
        told = [word * 1_000_000 for word, n in zip(words, sizes, strict=False) for _ in range(n)]
        moments = expected(told)

        assert told == [r.row[7] for r in log.read_all()]
        assert moments == [
            journal_of(log).backend.as_of(position) for position in range(1, len(told) + 1)
        ]
        assert moments[-1] == journal_of(log).backend.head().as_of
        assert log.verify().is_clean
        for word in {*words, *(word + 1 for word in words)}:
            until = datetime.fromtimestamp(word, UTC)
            assert sum(m <= word * 1_000_000 for m in moments) == position_at(
                journal_of(log), until
            )

    def test_a_file_counts_alike_and_so_do_its_copies(self, tmp_path):
        """Restored, exported and imported, each event counts as of the same moment."""
        words = at(_NOON, _2096, _2096, _NOON + timedelta(hours=1), _NOON, _2096, _NOON)
        with create_log(tmp_path / "log.db") as log:
            recorded(journal_of(log).backend, words, itertools.cycle([1, 3, 2]))
            export_history(log, "ndjson", tmp_path / "out.ndjson")
            holds, n = journal_of(log).backend.clock_holds(), log.head().position
            moments = [journal_of(log).backend.as_of(position) for position in range(1, n + 1)]
            assert log.verify().is_clean
        with restore_log(tmp_path / "log.db", tmp_path / "again.db") as again:
            assert holds == journal_of(again).backend.clock_holds()
        with create_log(tmp_path / "new.db") as new:
            import_history(new, "ndjson", tmp_path / "out.ndjson")

            assert holds == journal_of(new).backend.clock_holds()
            assert moments == [
                journal_of(new).backend.as_of(position) for position in range(1, n + 1)
            ]
            assert new.verify().is_clean

    def test_what_was_counted_wrong_is_found(self, log_path):
        """What is kept beside the events can be computed from them, and is compared."""
        with open_log(log_path) as log:
            recorded(journal_of(log).backend, at(_NOON, _2096, _NOON))
            with journal_of(log).transaction() as transaction:
                (hold,) = transaction.store.clock_holds()
                transaction.store._connection.execute("DELETE FROM clock_holds")
            found = log.verify()
            with journal_of(log).transaction() as transaction:
                transaction.store.hold_clock(hold)

            assert ["as of when events count"] == [fault.what[:23] for fault in found.faults]
            assert log.verify().is_clean


class TestClocks:
    """What goes wrong with clocks in life."""

    @pytest.fixture(params=["file", "memory"])
    def backend(self, request, log_path):
        """An empty backend of each kind."""
        store = SqliteBackend(log_path) if request.param == "file" else MemoryBackend()
        yield store
        store.close()

    @pytest.mark.parametrize("n_before", [0, 1, 5])
    @pytest.mark.parametrize("n_ahead", [1, 40])
    @pytest.mark.parametrize("n_after", [1, 3])
    def test_a_clock_that_was_once_in_2096(self, backend, n_before, n_ahead, n_after):
        """All that came before, with and after it is seen until tomorrow; none until yesterday."""
        today = [_NOON + timedelta(minutes=n) for n in range(n_before + n_after)]
        then = [_2096 + timedelta(minutes=n) for n in range(n_ahead)]
        log = recorded(backend, at(*today[:n_before], *then, *today[n_before:]))

        assert n_before + n_ahead + n_after == seen(log, _NOON + timedelta(days=1))
        assert n_before + n_ahead + n_after == seen(log, today[-1])
        assert 0 == seen(log, _NOON - timedelta(days=1))
        assert n_before <= seen(log, today[n_before] - timedelta(seconds=1)) <= n_before + n_ahead

    def test_a_clock_in_2096_that_nothing_contradicts_yet(self, backend):
        """Until a clock says otherwise, the log ends then: it may have been quiet so long."""
        log = recorded(backend, at(_NOON, _2096))

        assert 1 == seen(log, _NOON + timedelta(days=1))
        assert 2 == seen(log, _2096)

    def test_two_machines_of_which_one_is_in_2096(self, backend):
        """Its events are seen with those of the other that follow, however often it comes back."""
        steps = [_NOON + timedelta(minutes=n) for n in range(10)]
        both = [moment for step in steps for moment in (step, _2096)]
        log = recorded(backend, at(*both, steps[-1]))

        assert [2 * n + 2 for n in range(9)] == [seen(log, step) for step in steps[:-1]]
        assert 21 == seen(log, steps[-1])

    def test_a_clock_that_goes_back_by_an_hour(self, backend):
        """What is recorded within the hour counts as of its end: nothing is seen too early."""
        minutes = [_NOON + timedelta(minutes=n) for n in range(0, 60, 10)]
        log = recorded(backend, at(*minutes, *minutes, minutes[-1] + timedelta(minutes=10)))

        assert [1, 2, 3, 4, 5, 12] == [seen(log, moment) for moment in minutes]
        assert 13 == seen(log, minutes[-1] + timedelta(minutes=10))
        assert [*minutes, *minutes] == [r.recorded_at for r in log.read_all(limit=12)]

    def test_two_machines_a_minute_apart(self, backend):
        """The slow one's events count as of the fast one's last; none waits for longer."""
        steps = [_NOON + timedelta(seconds=10 * n) for n in range(30)]
        slow = [step - timedelta(seconds=60) for step in steps]
        log = recorded(backend, at(*(w for pair in zip(steps, slow, strict=True) for w in pair)))

        assert [2 * n + 2 for n in range(30)] == [seen(log, step) for step in steps]
        assert all(not hold.is_left_out for hold in journal_of(log).backend.clock_holds())

    def test_a_clock_that_was_once_in_1970(self, backend):
        """An old log is not turned over by one clock that was never set."""
        days = [_NOON + timedelta(days=n) for n in range(20)]
        log = recorded(backend, at(*days, datetime(1970, 1, 2, tzinfo=UTC), days[-1]))

        assert list(range(1, 20)) == [seen(log, moment) for moment in days[:-1]]
        assert 22 == seen(log, days[-1])

    def test_a_log_that_was_told_a_wrong_time_for_days(self, backend):
        """Once as many events contradict it, all of them are seen again."""
        wrong = [_2096 + timedelta(days=n) for n in range(5)]
        right = [_NOON + timedelta(minutes=n) for n in range(6)]
        log = recorded(backend, at(*wrong, *right))

        assert 11 == seen(log, _NOON + timedelta(days=1))

    def test_a_clock_before_1970_is_taken(self, backend):
        """Ids are drawn for it, and it is told as it is."""
        log = recorded(backend, [-86_400.5])
        (event,) = log.read_all()

        assert -86_400.5 == event.recorded_at.timestamp()
        assert 1 == seen(log, datetime(1970, 1, 1, tzinfo=UTC))
        assert 0 == seen(log, datetime(1969, 12, 30, tzinfo=UTC))


def test_a_moment_is_found_by_halving(log_path):
    """The questions that it takes grow with the digits of the log's length, right clocks or not."""
    counts = []
    for n in (100, 10_000):
        with open_log(log_path) as log:
            have = log.head().position
            batch = [paused()] * ((n - have) // 50)
            for number in range(50):
                word = (_NOON + timedelta(days=n, minutes=number % 7)).timestamp()
                recorded(journal_of(log).backend, [word], [len(batch)])
            asked, ask = [], journal_of(log).backend._all
            journal_of(log).backend._all = lambda *given, ask=ask, asked=asked: (
                asked.append(1) or ask(*given)
            )
            position_at(journal_of(log), _NOON + timedelta(days=100, minutes=3))
            counts.append(len(asked))

    assert counts[1] <= counts[0] + 8
