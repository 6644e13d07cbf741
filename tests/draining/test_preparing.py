"""What a run starts from is captured once, by one worker."""

from autopack import Prepared, create_run, drain
from autopack.draining.preparing import Preparation, prepare_run
from autopack.handler import Handler
from autopack.ports.work import RunView
from drains import Clock, found, specs, states, works


class Preparing:
    """Counts its preparations."""

    def __init__(self, result=None):
        self.runs = []
        self.result = result

    def prepare(self, run):
        self.runs.append(run.run_id)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def execute(self, phase, attempt):
        return works(phase, attempt)


def test_a_run_is_prepared_once_and_it_is_an_event(log):
    """Two phases, two drains: one preparation, with commit, texts and how long it took."""
    executor = Preparing(Prepared(commit="abc", artifacts={"tests.txt": "2 failed"}, summary="s"))
    drain(log, executor=executor, max_phases=1)
    drain(log, executor=executor)
    (prepared,) = found(log, "run.prepared")

    assert ["r"] == executor.runs
    assert ("abc", "s") == (prepared.commit, prepared.summary)
    assert "2 failed" == log.artifacts.get(prepared.artifacts["tests.txt"])
    assert [] == log.backend.leases()


def test_a_run_that_cannot_be_prepared_gives_no_phase(log):
    """The failure is an event with its text; phases of other runs are taken."""
    create_run(log, "s", specs("q1"))

    class Picky(Preparing):
        def prepare(self, run):
            if run.run_id == "r":
                raise OSError("no such branch")

    report = drain(log, executor=Picky())
    (failed,) = found(log, "run.prepare_failed")

    assert "OSError: no such branch" == failed.message
    assert {"p1": "QUEUED", "p2": "QUEUED", "q1": "COMPLETE"} == states(log)
    assert ("blocked", "2 queued phases may not be taken") == (report.reason, report.detail)


def test_the_next_drain_tries_again(log):
    """A failed preparation is not remembered as done."""
    drain(log, executor=Preparing(OSError("offline")))
    report = drain(log, executor=Preparing())

    assert 2 == report.completed
    assert 1 == len(found(log, "run.prepared"))


def test_two_workers_do_not_prepare_at_once(clocked):
    """While another worker prepares, this one waits; a worker that died is taken over from."""
    handler, run = Handler(clocked), RunView(run_id="r", order=1)
    inner = []

    def prepare(_run):
        inner.append(prepare_run(handler, lambda _run: None, run, worker="w2"))

    outer = prepare_run(handler, prepare, run, worker="w1")

    assert ([Preparation.ELSEWHERE], Preparation.DONE) == (inner, outer)


def test_a_dead_preparation_is_taken_over(clocked, clock: Clock):
    """The preparing lease of a dead worker ends, and another one prepares."""
    handler, run = Handler(clocked), RunView(run_id="r", order=1)

    class Died(BaseException):
        pass

    def dies(_run):
        raise Died

    try:
        prepare_run(handler, dies, run, worker="w1")
    except Died:
        during = prepare_run(handler, lambda _run: None, run, worker="w2")
    clock.now += 601
    after = prepare_run(handler, lambda _run: None, run, worker="w2")

    assert (Preparation.ELSEWHERE, Preparation.DONE) == (during, after)


def test_an_executor_reads_what_the_phases_have_in_common(log):
    """The run's settings are there for its preparation and in each attempt."""
    create_run(log, "s", specs("a"), settings={"image": "py312"})
    told = []

    class Reading:
        def prepare(self, run):
            told.append(run.settings)

        def execute(self, phase, attempt):
            told.append(attempt.settings)

    drain(log, executor=Reading(), run_id="s")

    assert [{"image": "py312"}, {"image": "py312"}] == told
