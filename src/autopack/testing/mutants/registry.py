"""Every mutant with its suite, and the test that must catch it."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs

from autopack.log.backends.memory import MemoryBackend
from autopack.ports.prediction import PhaseSpec
from autopack.testing.backends import BackendContract
from autopack.testing.calibrators import CalibratorContract
from autopack.testing.estimators import EstimatorContract
from autopack.testing.executors import ExecutorContract
from autopack.testing.experts import ExpertContract
from autopack.testing.importers import ImporterContract
from autopack.testing.launchers import LauncherContract
from autopack.testing.mutants import (
    backends,
    calibrators,
    estimators,
    executors,
    experts,
    importers,
    launchers,
    projections,
    strategies,
    workspaces,
)
from autopack.testing.projections import ProjectionContract
from autopack.testing.strategies import StrategyContract
from autopack.testing.workspaces import WorkspaceContract

_BROKEN_S: Final = 3.0
"""For how long something broken is waited for, which does not do what it should however long."""


@attrs.frozen(kw_only=True)
class Mutant:
    """
    Something broken, the suite that it is to fail, and in which test.

    Args:
        caught_by: The name of the test; None for what breaks no promise and passes them all.
    """

    suite: type
    make: Callable[[], Any]
    caught_by: str | None

    @property
    def name(self) -> str:
        """The name of its class or function."""
        return self.make.__name__.strip("<>")

    def test_class(self) -> type:
        """Return the suite as a subclass that makes the mutant, for pytest to run."""
        extra: dict[str, Any] = {"make": lambda _self, *_folder: self.make()}
        if self.suite is ImporterContract:
            extra["write_source"] = lambda _self, folder: importers.write_runs(folder)
        if self.suite is ExecutorContract:
            extra["failing"] = lambda _self: PhaseSpec("p", category="docs", complexity="low")
        if self.caught_by is not None and hasattr(self.suite, "patience_s"):
            extra["patience_s"] = _BROKEN_S
        return type(f"Test_{self.name}", (self.suite,), extra)


def _of(suite: type, made: Iterable[tuple[Any, str | None]]) -> list[Mutant]:
    return [
        Mutant(
            suite=suite,
            make=thing if isinstance(thing, type) else _returning(thing),
            caught_by=caught_by,
        )
        for thing, caught_by in made
    ]


def _returning(thing: Any) -> Callable[[], Any]:
    def make() -> Any:
        return thing

    make.__name__ = thing.__name__
    return make


MUTANTS: Final[tuple[Mutant, ...]] = (
    *_of(
        BackendContract,
        (
            (MemoryBackend, None),
            (backends.LostConflict, "test_a_conflict_names_both_versions_and_appends_nothing"),
            (backends.Gap, "test_an_error_rolls_back_all_of_it"),
            (backends.ReusedPosition, "test_a_position_is_never_given_twice"),
            (backends.SeenBeforeCommit, "test_nothing_is_seen_before_its_commit"),
            (backends.IdBeforeCommit, "test_a_writer_waits_for_the_one_before"),
            (backends.HalfABatch, "test_an_error_rolls_back_all_of_it"),
            (backends.ForgottenId, "test_a_repeat_returns_the_first_answer"),
            (backends.ShortPage, "test_types_in_a_long_log_lose_nothing_between_pages"),
            (backends.ForeignBodies, "test_bodies_are_the_pages_without_envelopes"),
            (backends.UnfencedLease, "test_leases_are_stored_replaced_and_dropped_by_token"),
            (backends.UnreplacedView, "test_views_are_saved_changed_and_replaced"),
            (
                backends.OwnReadsSeeTheTransaction,
                "test_a_transaction_reads_its_own_changes_and_nobody_else_does",
            ),
            (backends.MovingSnapshot, "test_a_snapshot_sees_one_moment"),
            (backends.WaitingReads, "test_a_snapshot_holds_nobody_up"),
            (backends.SilentClose, "test_a_closed_log_refuses_everything"),
        ),
    ),
    *_of(
        StrategyContract,
        (
            (strategies.first, None),
            (strategies.reads_the_clock, "test_it_reads_only_the_view"),
            (strategies.draws_at_random, "test_it_reads_only_the_view"),
            (strategies.picks_what_is_not_ready, "test_it_picks_only_what_is_ready"),
            (strategies.retries_what_is_queued, "test_it_retries_only_what_has_failed"),
            (strategies.sorts_the_view, "test_it_leaves_the_view_as_it_is"),
            (strategies.says_nothing, "test_it_chooses_waits_or_stops"),
            (strategies.waits_without_a_time_zone, "test_it_waits_for_an_aware_moment"),
            (strategies.needs_a_phase, "test_it_copes_with_an_empty_queue"),
            (strategies.takes_nothing, "test_it_takes_something"),
            (strategies.Remembers, "test_it_remembers_nothing"),
            (strategies.CountsItsTurns, "test_it_chooses_the_same_on_replay"),
        ),
    ),
    *_of(
        EstimatorContract,
        (
            (estimators.Counts, None),
            (estimators.LearnsNothing, "test_it_learns_what_it_is_taught"),
            (estimators.LearnsFromOthers, "test_what_another_group_is_taught_changes_nothing"),
            (estimators.NamesItsBase, "test_it_answers_with_an_estimate_of_its_own"),
            (estimators.GivesTooLittle, "test_its_figures_can_be_used"),
            (estimators.HalfAToken, "test_an_event_can_hold_it"),
            (estimators.ExplainsHalf, "test_the_parts_add_up"),
            (estimators.LooksAtTheTime, "test_it_reads_only_its_features"),
            (estimators.BelievesItself, "test_it_is_not_told_what_it_said"),
        ),
    ),
    *_of(
        CalibratorContract,
        (
            (calibrators.Mean, None),
            (calibrators.MutatesItsState, "test_a_state_is_never_mutated"),
            (calibrators.BulkDiffers, "test_in_bulk_equals_one_by_one"),
            (calibrators.UsesGuesses, "test_what_nobody_measured_is_set_aside"),
            (calibrators.CountsItself, "test_a_fold_in_steps_equals_a_fold_at_once"),
            (calibrators.ReadsTheClock, "test_it_reads_only_its_samples"),
            (calibrators.ChangesWhatItSetsAside, "test_a_sample_set_aside_changes_nothing"),
            (calibrators.UsesNothing, "test_it_learns_something"),
            (calibrators.LosesSamples, "test_every_sample_is_used_or_set_aside"),
        ),
    ),
    *_of(
        ExpertContract,
        (
            (experts.Newest, None),
            (experts.KnowsItsCategories, "test_it_answers_whatever_is_asked"),
            (experts.SaysNothingAtFirst, "test_it_answers_whatever_is_asked"),
            (experts.AnswersForAnotherTau, "test_it_answers_whatever_is_asked"),
            (experts.SmoothMaximum, "test_it_survives_a_huge_output"),
            (experts.AnswersByTheNewest, "test_states_of_before_are_still_asked"),
            (experts.CountsQuestions, "test_being_asked_teaches_it_nothing"),
            (experts.KeepsAFunction, "test_a_state_can_be_packed"),
            (experts.WantsThemInOrder, "test_the_mixture_never_leaves_it_out"),
        ),
    ),
    *_of(
        ProjectionContract,
        (
            (projections.EventsOfRuns, None),
            (projections.MutatesItsRow, "test_no_row_is_mutated"),
            (projections.DependsOnPages, "test_the_page_size_changes_no_answer"),
            (
                projections.ForgetsWhatWasSaved,
                "test_any_split_of_persisted_and_tail_gives_the_same_view",
            ),
            (projections.Doubled, "test_the_total_is_that_of_its_rows"),
            (projections.CostsAsFloats, "test_the_total_is_that_of_its_rows"),
            (projections.SeesNothing, "test_some_history_shows_in_it"),
            (projections.Versionless, "test_it_is_a_projection"),
        ),
    ),
    *_of(
        ImporterContract,
        (
            (importers.Runs, None),
            (importers.Doubles, "test_a_second_import_adds_nothing"),
            (importers.KnowsItByItsPath, "test_the_path_is_no_part_of_an_id"),
            (importers.Unordered, "test_events_come_in_the_order_in_which_they_happened"),
            (importers.CountsAnew, "test_any_part_in_any_order_is_completed"),
            (importers.SharesIds, "test_every_event_has_an_id_of_its_own"),
            (importers.LeavesAMark, "test_it_leaves_its_source_as_it_is"),
            (importers.TakesAnything, "test_it_knows_its_own_kind"),
            (importers.ReadsAnything, "test_what_cannot_be_read_is_refused"),
        ),
    ),
    *_of(
        ExecutorContract,
        (
            (executors.answers, None),
            (executors.fails_without_a_reason, "test_a_failure_has_a_reason"),
            (executors.hides_its_failure, "test_a_failure_has_a_reason"),
            (executors.returns_a_number, "test_it_answers_with_an_outcome"),
            (executors.never_completes, "test_it_completes_its_phase"),
            (executors.claims_to_have_measured, "test_usage_is_marked_as_what_it_is"),
            (executors.records_nothing, "test_every_call_is_recorded_once"),
            (executors.Once, "test_it_can_be_used_again"),
            (executors.ForgetsItsHandles, "test_what_a_provider_has_is_collected_by_another"),
            (executors.CountsEachLook, "test_what_is_collected_twice_counts_once"),
            (executors.leaves_and_never_asks, "test_it_completes_its_phase"),
        ),
    ),
    *_of(
        WorkspaceContract,
        (
            (workspaces.Copies, None),
            (workspaces.SharesAFolder, "test_each_attempt_has_a_folder_of_its_own"),
            (workspaces.TellsNobody, "test_a_folder_is_recorded_before_it_is_used"),
            (workspaces.MergesNothing, "test_what_comes_after_sees_what_it_comes_after"),
            (workspaces.MergesFailures, "test_nobody_sees_what_failed"),
            (workspaces.SweepsTheLiving, "test_a_sweep_leaves_those_at_work"),
            (workspaces.SweepsTheSameAgain, "test_a_sweep_may_be_repeated"),
        ),
    ),
    *_of(
        LauncherContract,
        (
            (launchers.Processes, None),
            (launchers.SharesAnId, "test_what_it_started_runs"),
            (launchers.RemembersItself, "test_another_one_sees_and_stops_it"),
            (launchers.SeesAllLogs, "test_it_tells_logs_apart"),
            (launchers.ThroughAShell, "test_the_command_is_run_as_it_is"),
            (launchers.Kills, "test_it_asks_a_worker_to_end"),
            (launchers.StopsThemAll, "test_it_stops_none_but_those_that_are_named"),
            (launchers.ToldTwice, "test_what_has_ended_does_not_run"),
        ),
    ),
)
"""All of them, and for each suite one that breaks no promise."""
