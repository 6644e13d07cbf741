"""As many workers as a queue can use, and why not more: by an engine that is only asked."""

import threading
import time

import pytest

import autopack
from autopack import Completed, Failed, PhaseSpec, create_run, scale
from autopack.draining.attempts.lease_keys import scaling_key, worker_key
from autopack.errors import InvalidInputError, PluginError, UnknownNameError
from autopack.log.log import journal_of
from autopack.ports.launchers import Launched
from autopack.types import Launcher
from drains import specs

EU, GPU = {"label": ["eu"]}, {"gpu": 1}


class Engine:
    """What an engine has; the launchers that ask it have nothing."""

    def __init__(self):
        self.jobs, self.orders, self.n = {}, [], 0


def launcher_of(engine, *, is_slow=False, takes_s=0.0):
    """Return a new launcher for an engine; a slow one has begun nobody yet."""

    class Paper:
        name = "paper"

        def running(self, log_id):
            return list(engine.jobs.values())

        def start(self, order, n):
            time.sleep(takes_s)
            ids = [f"j{engine.n + i}" for i in range(n)]
            engine.n += n
            engine.orders.append(order)
            why = "Resources" if is_slow else None
            for one in ids:
                job = Launched(id=one, name=order.name, is_waiting=is_slow, why=why)
                engine.jobs[one] = job
            return ids

        def stop(self, ids):
            for one in ids:
                engine.jobs.pop(one, None)

    made: Launcher = Paper()
    return made


@pytest.fixture
def engine():
    return Engine()


def done(_phase, _attempt):
    return Completed()


def scaled(log, engine, *, most=10, is_slow=False, takes_s=0.0, **settings):
    """Scale once, by a launcher that was just made."""
    settings = {"executor": done, "command": ("autopack", "worker", "--", "mine"), **settings}
    launcher = launcher_of(engine, is_slow=is_slow, takes_s=takes_s)
    return scale(log, launcher=launcher, most=most, **settings)


def test_each_phase_has_a_worker_and_none_is_started_twice(any_log, engine):
    """A second look finds what the first one has started."""
    create_run(any_log, "r", specs("a", "b", "c"))
    first, second = scaled(any_log, engine), scaled(any_log, engine)

    assert (3, 3) == (len(first.started), first.there)
    assert "paper: started 3 workers" == first.done
    assert "3 of 10: each phase that is ready has one" == first.stands
    assert ((), 3, "paper: nothing to do") == (second.started, second.there, second.done)


@pytest.fixture(params=["file", "server"])
def address(request, tmp_path):
    """Where there is no log yet."""
    if request.param == "file":
        return str(tmp_path / "work.db")
    from tests.postgres_server import need_postgres, new_url

    need_postgres()
    return new_url()


def test_two_at_once_start_nobody_twice(address, engine):
    """One looks, and starts, after the other: whoever comes second finds what is there."""
    with autopack.create_log(address) as log:
        create_run(log, "r", specs("a", "b"))
    begins, looks = threading.Barrier(2), []

    def look():
        with autopack.open_log(address) as log:
            begins.wait()
            looks.append(scaled(log, engine, takes_s=0.3))

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [0, 2] == sorted(len(one.started) for one in looks)  # the first may come back second
    assert 2 == len(engine.jobs)


@pytest.mark.parametrize("place", ["look", "start"])
def test_who_stood_still_for_long_starts_nobody_twice(address, engine, place):
    """Another one has looked, and started, since: what the first has started is taken back."""

    def stand_still(log):
        """Let the lease end, as that of a stopped process does, and another one go on."""
        backend = journal_of(log).backend
        key = scaling_key("paper")
        with backend.transaction() as store:
            store.drop_lease(key, store.lease(key).token)
        with autopack.open_log(address) as other:
            scaled(other, engine)

    class Stopped(type(launcher_of(engine))):
        stands_still = True

        def running(self, log_id):
            found = super().running(log_id)
            if place == "look":
                self.stop_once()
            return found

        def start(self, order, n):
            if place == "start":
                self.stop_once()
            return super().start(order, n)

        def stop_once(self):
            if Stopped.stands_still:
                Stopped.stands_still = False
                stand_still(log)

    with autopack.create_log(address) as log:
        create_run(log, "r", specs("a", "b"))
        found = scale(log, launcher=Stopped(), most=10, command=("autopack",), executor=done)

    assert {"j0", "j1"} == set(engine.jobs)
    assert (2, ()) == (found.there, found.started)


class TestRefusals:
    """An engine that takes some of what is asked for, or nothing."""

    @pytest.fixture
    def refuses(self, any_log, engine):
        def look(starts):
            class Strict(type(launcher_of(engine))):
                def start(self, order, n):
                    return super().start(order, starts(order, n))

            return scale(any_log, launcher=Strict(), most=10, command=("autopack",), executor=done)

        create_run(any_log, "r", [PhaseSpec("a", requires=GPU), PhaseSpec("b", requires=EU)])
        create_run(any_log, "s", specs("c", "d", "e"))
        return look

    def test_each_is_told_where_nobody_is_started(self, refuses):
        """Not the first of them alone: each kind of worker has a reason of its own."""

        def none(order, _n):
            raise InvalidInputError(f"no {order.offered}", name="offers", value=order.offered)

        with pytest.raises(PluginError) as fault:
            refuses(none)

        assert (
            "paper starts nobody with gpu 1: no (('gpu', '1'),); "
            "paper starts nobody with label eu: no (('label', 'eu'),); "
            "paper starts nobody: no ()"
        ) == fault.value.what

    def test_fewer_than_were_asked_for_is_said(self, refuses):
        """As where a user may have so many jobs and no more."""
        found = refuses(lambda _order, n: min(n, 2))

        assert ("paper started 2 of 3, and no more for now",) == found.why_not
        assert 4 == found.there


def test_workers_offer_what_phases_require(any_log, engine):
    """Their command says so before its program, and which drain they join."""
    gpu = PhaseSpec("g", requires={"gpu": 2, "label": ["eu", "x"]})
    create_run(any_log, "r", [*specs("a", "b"), gpu])
    found = scaled(any_log, engine, workers=2)
    commands = [order.command for order in engine.orders]

    assert 2 == found.there
    joined = ("autopack", "worker", "--drain", "paper-workers")
    offered = ("--offers", "gpu=2", "--offers", "label=eu", "--offers", "label=x")
    assert [(*joined, "--", "mine"), (*joined, *offered, "--", "mine")] == commands


def test_what_is_never_offered_is_said(any_log, engine):
    """Where the workers are told what to offer, the command is left as it is."""
    create_run(any_log, "r", [PhaseSpec("a", requires=GPU), PhaseSpec("b", requires={"gpu": 9})])
    found = scaled(any_log, engine, offers={"gpu": 1}, drain="night")
    (order,) = engine.orders

    assert ("autopack", "worker", "--drain", "night", "--", "mine") == order.command
    assert "1 of 10: 1 phase: it requires gpu 9, and this drain offers 1" == found.stands


def test_no_more_are_started_than_may_be(any_log, engine):
    """It is said for how many phases there is none; with 0, all are asked to end."""
    create_run(any_log, "r", specs(*"abcde"))
    found, none = scaled(any_log, engine, most=2), scaled(any_log, engine, most=0)

    assert "2 of 2: 3 more phases could be taken, and 2 workers are the most" == found.stands
    assert ("paper: stopped 2 workers", 0, {}) == (none.done, none.there, engine.jobs)


def test_the_rest_of_a_long_queue_is_counted(any_log, engine):
    """Not every phase is estimated for that."""
    create_run(any_log, "r", specs(*(f"p{n}" for n in range(500))))

    assert "1 of 1: 499 more phases could be taken" in scaled(any_log, engine, most=1).stands


def test_what_waits_is_taken_back_when_it_is_not_wanted_any_more(any_log, engine):
    """And it is said what keeps the engine."""
    create_run(any_log, "r", specs("a", "b"))
    first = scaled(any_log, engine, is_slow=True)
    waits = scaled(any_log, engine, is_slow=True)
    autopack.skip(any_log, "r/a", why="done by hand")
    second = scaled(any_log, engine, is_slow=True)

    assert 2 == len(first.started)
    assert "paper has not begun 2 of them yet (Resources)" in waits.stands
    assert (1, 1) == (len(second.stopped), second.there)


def test_phases_that_wait_are_told_by_what_they_wait_for(any_log, engine):
    """For others, for paused runs, for a moment that is far off."""
    create_run(any_log, "r", [*specs("a"), *specs("b", "c", after=("a",))])
    create_run(any_log, "p", specs("x"))
    autopack.pause_run(any_log, "p", why="too dear")
    create_run(any_log, "o", specs("late", "soon"))

    def busy(phase, _attempt):
        wait_s = 3600 if phase.phase_id == "late" else 20
        return Failed("busy", "come again", retryable=True, retry_after_s=wait_s)

    autopack.drain(any_log, executor=busy, run_id="o", max_phases=2)
    found = scaled(any_log, engine)

    assert 2 == found.there
    assert "2 phases wait for phases before them; 1 phase waits for paused runs" in found.stands
    assert "; 1 phase backs off, the first until " in found.stands


def test_an_account_that_rests_is_waited_for(any_log, engine):
    """Nobody is started to wait until its window begins anew; another account has work."""
    create_run(any_log, "r", specs("a", "b"))

    def used_up(_phase, _attempt):
        return Failed("limit", "used up", failure_class="usage_limit", retry_after_s=7200)

    autopack.drain(any_log, executor=used_up, account="a", max_phases=1)
    found, other = scaled(any_log, engine, account="a"), scaled(any_log, engine, account="b")

    assert 0 == found.there
    assert "0 of 10: 2 phases wait for account a until " in found.stands
    assert 1 <= other.there


def test_caps_say_for_how_many_they_have_room(any_log, engine):
    """Of the drain that all join, and of runs."""
    create_run(any_log, "r", specs(*(f"p{n}" for n in range(9))))
    create_run(any_log, "c", specs("x", "y"))
    autopack.set_caps(any_log, "c", {"attempts": 1}, why="a trial")
    drained = scaled(any_log, engine, max_tokens=9_000, drain="night", run_id="r")
    engine.jobs.clear()
    run = scaled(any_log, engine, run_id="c")

    assert 0 < drained.there < 9
    of_night = f"the cap of drain night, 9000 tokens, has room for {drained.there} more"
    assert f"{drained.there} of 10: {of_night}" == drained.stands
    assert "1 of 10: the cap of run c, 1 attempts, has room for 1 more" == run.stands


def test_a_cap_that_all_share_needs_the_name_of_their_drain(any_log, engine):
    """Else each set of workers would have the cap anew, or that of somebody's long ago."""
    create_run(any_log, "r", specs("a"))
    with pytest.raises(InvalidInputError, match="no drain is named") as refused:
        scaled(any_log, engine, max_usd=5)

    assert ("drain", {}) == (refused.value.name, engine.jobs)


def test_a_drain_that_may_take_nothing_needs_nobody(any_log, engine):
    """One that is paused, and one whose limit is reached."""
    create_run(any_log, "r", specs("a", "b"))
    autopack.drain(any_log, executor=done, drain="night", max_phases=1)
    limited = scaled(any_log, engine, drain="night", max_phases=1)
    autopack.pause_drain(any_log, drain="night", why="the key leaked")
    paused = scaled(any_log, engine, drain="night")

    assert "0 of 10: max_phases: 1 of 1 phases taken" == limited.stands
    assert "0 of 10: the drain is paused: the key leaked" == paused.stands


def test_what_others_are_at_needs_nobody(any_log, engine):
    """What a lost worker was at does, and so does what one of these workers is at."""
    create_run(any_log, "r", specs("a", "b"))
    seen = {}

    def work(phase, _attempt):
        if phase.phase_id == "a":
            seen["theirs"] = scaled(any_log, engine).there
            engine.jobs.clear()
            seen["ours"] = scaled(any_log, engine, drain="mine").there
            engine.jobs.clear()
            backend = journal_of(any_log).backend
            worker = next(one.worker for one in backend.leases())
            with backend.transaction() as store:
                store.drop_lease(worker_key(worker), worker)
            seen["lost"] = scaled(any_log, engine).there
        return Completed()

    autopack.drain(any_log, executor=work, drain="mine", max_phases=1)

    assert {"theirs": 1, "ours": 2, "lost": 2} == seen


def test_workers_of_two_drains_are_told_apart(any_log, engine):
    """What one asks for is not taken for the other's."""
    create_run(any_log, "r", specs("a", "b"))
    scaled(any_log, engine, drain="one")
    second = scaled(any_log, engine, drain="two")

    assert (2, 4) == (second.there, len(engine.jobs))


def test_an_empty_queue_needs_nobody(any_log, engine):
    """Which is no error: work may come."""
    assert "0 of 10: nothing is queued" == scaled(any_log, engine).stands


@pytest.mark.parametrize(
    ("settings", "fault", "name"),
    [
        ({"most": -1}, InvalidInputError, "most"),
        ({"most": True}, InvalidInputError, "most"),
        ({"workers": 0}, InvalidInputError, "workers"),
        ({"executor": "nobody"}, UnknownNameError, "nobody"),
    ],
)
def test_wrong_settings_are_refused(any_log, engine, settings, fault, name):
    """By name, and nobody is started."""
    create_run(any_log, "r", specs("a"))
    with pytest.raises(fault) as refused:
        scaled(any_log, engine, **settings)

    assert (name, {}) == (refused.value.name, engine.jobs)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("nobody", "There is no launcher 'nobody'"),
        ({"name": "local", "colour": "red"}, "has no option colour"),
        ({"output": "x"}, "has no name"),
        (object(), "starts no workers: it has no running, start, stop"),
    ],
)
def test_what_is_no_launcher_is_refused(any_log, wanted, says):
    """With what was expected."""
    with pytest.raises(autopack.AutopackError, match=says):
        scale(any_log, launcher=wanted, most=1, command=("x",), executor=done)


def test_a_launcher_has_its_options(any_log, tmp_path):
    """By name, as workspaces have theirs."""
    found = scale(
        any_log,
        launcher={"name": "local", "output": str(tmp_path)},
        most=1,
        command=("x",),
        executor=done,
    )

    assert ("local", 0) == (found.launcher, found.there)
