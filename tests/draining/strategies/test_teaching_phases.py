"""`explore` chooses as if it looked at every phase anew, but looks at few."""

from collections import Counter
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from autopack import Choose, DrainView, PhaseView
from autopack.draining.simulation.simulated_drain import Answer, World
from autopack.draining.strategies.explore import Explore, width_of
from autopack.draining.strategies.ordered_phases import Shelf, buckets, group_of
from autopack.draining.strategies.teaching_phases import name_of, odds_of, size_of
from autopack.ports.drain import GroupEvidence, RunHistory, evidence_of
from autopack.testing.generators import drain_views

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def by_looking_at_all(view, width=0.5):
    """Return the phase that `explore` should take, or None: each group of each run is weighed."""
    pending, best = Counter(map(group_of, view.in_work)), None
    for (group, run_id), bucket in buckets(view.ready, name_of, size_of).items():
        evidence = view.groups.get(group, GroupEvidence())
        now = width_of(evidence, pending[group])
        gain = 0.0 if now <= width else now - width_of(evidence, pending[group] + 1)
        value = gain * odds_of(view.history.get(run_id)) / max(1, view.predict(bucket[0]))
        if gain and (best is None or value > best[0]):
            best = (value, bucket[0].ref)
    return best and best[1]


def chosen(view, width=0.5):
    found = Explore(width=width)(view)
    return found.ref if isinstance(found, Choose) else None


@given(view=drain_views(), width=st.sampled_from([0.1, 0.5, 2.0]))
def test_the_choice_is_that_of_looking_at_all(view, width):
    """For any moment of a drain; views that share no shelf share nothing else."""
    assert by_looking_at_all(view, width) == chosen(view, width)


RUNS = ("r", "s", "t")
KINDS = st.tuples(st.sampled_from(["docs", "tests"]), st.sampled_from(["low", "high"]))


class SharedShelf(RuleBasedStateMachine):
    """On a shelf that is kept, as phases and knowledge come and go, each choice is the same."""

    def __init__(self) -> None:
        super().__init__()
        self.shelf, self.number = Shelf(), 0
        self.history, self.groups, self.in_work = {}, {}, ()
        self.tokens, self.predict = {}, self.predicted

    def predicted(self, phase):
        return self.tokens[phase.key]

    @rule(run=st.sampled_from(RUNS), name=st.sampled_from("abcd"), kind=KINDS,
          files=st.integers(0, 2), tokens=st.sampled_from([0, 1, 500, 1000, 1500]))  # fmt: skip
    def put(self, run, name, kind, files, tokens):
        """A phase comes up, or comes back changed; it goes to the end."""
        row = PhaseView(
            run_id=run, phase_id=name, order=0, category=kind[0], complexity=kind[1],
            deliverables=("f",) * files,
        )  # fmt: skip
        self.number += 1
        self.shelf.discard(row.key)
        self.tokens[row.key] = tokens
        self.shelf.put((self.number, 0, 0, row.key), row)

    @rule(run=st.sampled_from(RUNS), name=st.sampled_from("abcd"))
    def discard(self, run, name):
        """A phase is taken."""
        self.shelf.discard(f"{run}/{name}")

    @rule(run=st.sampled_from(RUNS), completed=st.integers(0, 2), more=st.integers(0, 2))
    def see(self, run, completed, more):
        """Something was seen of a run."""
        seen = RunHistory(attempts=completed + more, completed=completed)
        self.history = {**self.history, run: seen}

    @rule(run=st.sampled_from(RUNS))
    def forget(self, run):
        """Somebody asks about an earlier moment."""
        self.history = {name: seen for name, seen in self.history.items() if name != run}

    @rule(kind=KINDS, n=st.integers(1, 60), actual=st.integers(1, 9))
    def learn(self, kind, n, actual):
        """A group is known better."""
        group, sample = "/".join(kind), evidence_of(5, actual)
        known = self.groups.get(group, GroupEvidence())
        for _ in range(n):
            known = known.plus(sample)
        self.groups = {**self.groups, group: known}

    @rule(kinds=st.lists(KINDS, max_size=3))
    def work(self, kinds):
        """Others are in work."""
        self.in_work = tuple(
            PhaseView(run_id="u", phase_id=str(n), order=0, category=one, complexity=other)
            for n, (one, other) in enumerate(kinds)
        )

    @rule()
    def predict_otherwise(self):
        """Another estimator is asked from now on."""
        self.tokens = {key: 1500 - tokens for key, tokens in self.tokens.items()}
        self.predict = lambda phase: self.tokens[phase.key]

    @invariant()
    def the_choice_is_the_same(self):
        """What was kept changes no answer."""
        view = DrainView(
            now=NOON, ready=self.shelf, history=self.history, groups=self.groups,
            in_work=self.in_work, predict=self.predict,
        )  # fmt: skip

        assert by_looking_at_all(view) == chosen(view)


TestSharedShelf = SharedShelf.TestCase


def test_a_choice_looks_at_what_is_new():
    """Once all were looked at, a choice predicts only for the group and run that it was made of."""
    asked = []

    def predict(phase):
        asked.append(phase.key)
        return 100 + len(phase.deliverables)

    def well(_phase, _attempt):
        return Answer(ending="completed", total_tokens=100, sample=(100, 130))

    phases = [
        PhaseView(
            run_id=f"r{run}", phase_id=f"p{n}", order=n, category=category, complexity="low",
            deliverables=("f",) * (n % 3),
        )
        for run in range(200)
        for n, category in enumerate(["docs", "tests", "docs", "tests", "docs"])
    ]  # fmt: skip
    view = DrainView(now=NOON, ready=phases, predict=predict)
    world, explore = World(view, well, group_of=group_of), Explore(width=0.05)
    world.step(explore, "explore")
    at_first, counts = len(asked), []
    for _ in range(30):
        asked.clear()
        world.step(explore, "explore")
        counts.append(len(asked))

    assert 400 <= at_first < 420
    assert max(counts) <= 3
