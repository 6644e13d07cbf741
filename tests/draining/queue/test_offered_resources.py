"""What phases require is there, and free, where they are worked at; the others say what lacks."""

import threading

import pytest

from autopack import PhaseSpec, create_run, drain, list_phases, next_attempts, parse_run
from autopack.draining.queue.offered_resources import Offers, requirement_of
from autopack.errors import InvalidInputError, InvalidNameError
from autopack.ports.requirements import checked_resources
from drains import found, states


def lacking(offered, **requires):
    """Return what never fits."""
    return Offers(checked_resources(offered, name="offers")).lacking(
        requirement_of(checked_resources(requires, name="requires"))
    )


@pytest.mark.parametrize(
    ("offered", "requires", "why"),
    [
        ({}, {}, None),
        ({"gpu": 1}, {}, None),
        ({"gpu": 2}, {"gpu": 2}, None),
        ({"memory_gb": 16}, {"memory_gb": 15.5}, None),
        ({"label": ["eu", "fast"]}, {"label": "eu"}, None),
        ({"label": "eu"}, {"label": ["eu"]}, None),
        ({}, {"gpu": 1}, "it requires gpu 1, and this drain offers no gpu (--offers)"),
        ({"gpu": 1}, {"gpu": 2}, "it requires gpu 2, and this drain offers 1"),
        ({"label": "us"}, {"label": "eu"}, "it requires label eu, and this drain offers us"),
        ({"label": "eu"}, {"label": ["eu", "x"]}, "it requires label x, and this drain offers eu"),
        ({"gpu": "big"}, {"gpu": 1}, "it requires gpu 1, and this drain offers big"),
        ({"gpu": 1}, {"gpu": "big"}, "it requires gpu big, and this drain offers 1"),
    ],
)
def test_what_is_required_is_compared_with_what_is_offered(offered, requires, why):
    """Amounts must be as large, and words must be among those offered."""
    assert why == lacking(offered, **requires)


def test_amounts_are_shared_by_what_is_in_work():
    """Words are not used up."""
    offers = Offers({"gpu": 2, "label": ["eu"]})
    one = requirement_of({"gpu": 1, "label": ["eu"]})

    assert None is offers.taken(one, [one])
    assert "it requires gpu 1, and of 2 that this drain offers 0 is free" == offers.taken(
        one, [one, one]
    )


@pytest.mark.parametrize(
    "wrong", [["gpu"], {"gpu": 0}, {"gpu": -1}, {"gpu": float("nan")}, {"gpu": True}, {"gpu": None},
              {"label": ""}, {"label": []}, {"label": ["eu", 1]}, {"gpu": 1e99}],
)  # fmt: skip
@pytest.mark.parametrize("name", ["requires", "offers"])
def test_what_can_be_neither_is_refused(log, name, wrong):
    """By name, before anything is queued or begun."""
    with pytest.raises(InvalidInputError) as told:
        if name == "requires":
            PhaseSpec("a", requires=wrong)
        else:
            drain(log, executor=lambda _phase, _attempt: None, offers=wrong)

    assert name == told.value.name


def test_a_name_that_could_not_be_typed_is_refused():
    """``=`` ends a name on the command line."""
    with pytest.raises(InvalidNameError):
        PhaseSpec("a", requires={"a=b": 1})


@pytest.fixture
def machines(any_log):
    """A log with phases that require a GPU, a place, more than anybody has, and nothing."""
    create_run(
        any_log,
        "r",
        [
            *(PhaseSpec(f"g{i}", requires={"gpu": 1}) for i in range(6)),
            PhaseSpec("eu", requires={"label": "eu"}),
            PhaseSpec("big", requires={"gpu": 9}),
            PhaseSpec("plain"),
        ],
    )
    return any_log


def test_a_drain_that_offers_nothing_takes_what_requires_nothing(machines):
    """And records of each of the others what it would need."""
    report = drain(machines, executor=lambda _phase, _attempt: None)

    assert ("blocked", 1) == (report.reason, report.completed)
    assert ["plain"] == [name for name, state in states(machines).items() if state == "COMPLETE"]
    assert {"no gpu", "no label"} == {
        one.reason.partition("offers ")[2].removesuffix(" (--offers)")
        for one in found(machines, "drain.passed_over")
    }


def test_no_more_are_in_work_at_once_than_there_is_room_for(machines):
    """However many places for work there are; in the end all are done that ever fit."""
    lock, now, most = threading.Lock(), 0, 0
    full = threading.Event()

    def work(phase, _attempt):
        nonlocal now, most
        if "gpu" not in phase.requires:
            return
        with lock:
            now += 1
            most = max(most, now)
            if now == 2:
                full.set()
        assert full.wait(60)
        with lock:
            now -= 1

    report = drain(machines, executor=work, workers=6, offers={"gpu": 2, "label": ["eu", "x"]})

    assert 2 == most
    assert ("blocked", 8, {"big": "QUEUED"}) == (
        report.reason,
        report.completed,
        {name: state for name, state in states(machines).items() if state != "COMPLETE"},
    )
    assert "it requires gpu 9, and this drain offers 2" in report.passed_over


def test_what_others_have_in_work_takes_nothing(machines):
    """Each drain offers its own."""
    inside, go_on = threading.Event(), threading.Event()

    def slow(_phase, _attempt):
        inside.set()
        assert go_on.wait(60)

    first = threading.Thread(
        target=lambda: drain(machines, executor=slow, phase_id="g0", run_id="r", offers={"gpu": 1})
    )
    first.start()
    assert inside.wait(60)
    report = drain(
        machines, executor=lambda _p, _a: None, offers={"gpu": 1}, run_id="r", phase_id="g1"
    )
    go_on.set()
    first.join()

    assert 1 == report.completed


def test_a_drain_that_is_gone_on_with_offers_what_it_did(machines):
    """Its settings come from the log."""
    drain(machines, executor=lambda _p, _a: None, offers={"gpu": 1, "label": "eu"}, max_phases=2)
    report = drain(machines, executor=lambda _p, _a: None, resumes="last", max_phases=99)

    assert {"big": "QUEUED"} == {n: s for n, s in states(machines).items() if s != "COMPLETE"}
    assert 8 == report.completed


def test_ones_own_loop_takes_every_phase(machines):
    """It knows where it runs; what is required stands on the phase."""
    for live in next_attempts(machines):
        with live:
            pass

    assert {"COMPLETE"} == set(states(machines).values())
    assert {"gpu": 1} == list_phases(machines, "r")[0].requires


def test_a_run_file_says_it_as_a_table():
    """A word may be one, or several."""
    raw = {"phases": [{"id": "a", "requires": {"gpu": 1, "label": "eu"}}]}
    (spec,) = parse_run(raw, source="x").phases

    assert {"gpu": 1, "label": ["eu"]} == spec.requires
