"""Work judged from the command line: ``recheck``, ``checks`` and ``phase judge``, as printed."""

import json

import pytest


@pytest.fixture
def said(cli, run_log):
    """Return what runs a command on a log whose two phases each gave a text, and were checked."""
    path = run_log.with_name("gives.py")
    path.write_text(
        "from autopack import Completed\n\n\n"
        "def execute(phase, attempt):\n"
        "    return Completed(outputs={'a.md': f'about {phase.phase_id}'})\n",
        encoding="utf-8",
    )
    cli("--log", run_log, "drain", "--executor", f"{path}:execute", "--check", "true")
    return lambda *words: cli("--log", run_log, *words)


def rows(found):
    """Return a table's lines without its header."""
    return [line.split() for line in found.stdout.splitlines()[1:]]


P1 = "grep -q p1 {outputs}/a.md"


def test_recheck_shows_each_verdict_beside_the_one_before(said):
    """And leaves with 1 if one is no pass."""
    found = said("recheck", "r", "--check", P1)
    (first, second) = found.stdout.splitlines()[1:]

    assert 1 == found.exit_code
    assert ["phase", "attempt", "check", "before", "now", "says"] == found.stdout.split()[:6]
    assert ("r/p1", "right", "passed") == (first.split()[0], *first.split()[-3:-1])
    assert ("r/p2", "right", "failed") == (second.split()[0], *second.split()[-3:-1])


def test_recheck_takes_the_checks_that_were_named(said):
    """Of one phase if that is asked for; all passed is 0."""
    found = said("recheck", "r", "--phase-id", "p2")

    assert (0, [["r/p2", "1", "true", "right", "passed", "-"]]) == (found.exit_code, rows(found))


def test_recheck_as_json(said):
    """A verdict an object, with what was said before."""
    found = json.loads(said("recheck", "r", "--check", P1, "--json").stdout)

    assert [("p1", 1, "passed", "right"), ("p2", 1, "failed", "right")] == [
        (one["phase_id"], one["attempt"], one["verdict"], one["before"]) for one in found
    ]


def test_nothing_to_judge_is_said_without_an_empty_table(cli, run_log):
    """Nor do checks print a table of none; JSON is an empty list."""
    found = cli("--log", run_log, "recheck", "r", "--check", "true")
    figures = cli("--log", run_log, "checks")

    assert (0, "") == (found.exit_code, found.stdout)
    assert "Nothing is kept that could be judged" in found.stderr
    assert (0, "") == (figures.exit_code, figures.stdout)
    assert "No check has judged anything yet." in figures.stderr
    assert [] == json.loads(cli("--log", run_log, "checks", "--json").stdout)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("r", "--check", "deliverable"), "Did you mean 'deliverables'?"),
        (("r", "--check", "no-such-program-here"), "There is no program 'no-such-program-here'"),
        (("nope", "--check", "true"), "There is no run 'nope'"),
        (("r", "--phase-id", "p9", "--check", "true"), "p9"),
    ],
)
def test_what_cannot_be_rechecked_is_refused_by_name(said, words, says):
    """Nothing is judged by it."""
    found = said("recheck", *words)

    assert 0 != found.exit_code
    assert says in found.stderr
    assert "" == found.stdout


def test_a_verdict_of_a_person_and_what_it_says_of_the_check(said):
    """The phase stays as it is, may be done again, and the check was wrong once."""
    before = said("checks")
    found = said("phase", "judge", "r/p1", "--wrong", "--why", "it is about another")
    (line,) = said("checks").stdout.splitlines()[1:]
    (figures,) = json.loads(said("checks", "--json").stdout)

    assert "Nobody has judged the work since" in before.stdout + before.stderr
    assert 0 == found.exit_code
    told = found.stdout + found.stderr
    assert "Phase r/p1 stays COMPLETE; the work of attempt 1 was judged wrong" in told
    assert "autopack phase requeue r/p1 --why REASON" in told
    assert "1 of 1 (" in line
    assert (2, 1) == (figures["judged"], figures["false_passes"]["errors"])


def test_a_verdict_needs_a_side_and_some_work(cli, run_log):
    """Each refusal says what is missing."""
    neither = cli("--log", run_log, "phase", "judge", "r/p1", "--why", "so")
    nothing = cli("--log", run_log, "phase", "judge", "r/p1", "--right", "--why", "so")

    assert "Say --right or --wrong." in neither.stderr
    assert "has no work to judge" in nothing.stderr
