"""This distribution's own plugin, found by its entry point like any other."""

from typing import TYPE_CHECKING

from autopack.plugins.hookspecs import Register, hookimpl

if TYPE_CHECKING:
    from autopack.ports.work import Classed, Failed, PhaseView


@hookimpl
def autopack_register_strategies(register: Register) -> None:
    """Register ``fifo``, ``one``, ``priority``, ``triage``, ``retry-failed`` and the rest."""
    from autopack.draining.strategies.cascade import Cascade
    from autopack.draining.strategies.explore import Explore
    from autopack.draining.strategies.fifo import fifo
    from autopack.draining.strategies.one_phase import One
    from autopack.draining.strategies.priority import priority
    from autopack.draining.strategies.retry_failed import RetryFailed
    from autopack.draining.strategies.triage import Triage

    register("fifo", fifo)
    register("one", One)
    register("priority", priority)
    register("triage", Triage)
    register("retry-failed", RetryFailed)
    register("explore", Explore)
    register("cascade", Cascade)


@hookimpl
def autopack_register_executors(register: Register) -> None:
    """Register ``command``, which runs a program, and ``recorded``, which calls no model."""
    from autopack.draining.executors.command import CommandExecutor
    from autopack.draining.executors.recorded import RecordedExecutor

    register("command", CommandExecutor)
    register("recorded", RecordedExecutor)


@hookimpl
def autopack_register_presets(register: Register) -> None:
    """Register ``claude``, ``codex``, ``gemini``, ``llm``, ``opencode`` and ``qwen``."""
    from autopack.draining.executors.presets import PRESETS

    for name, preset in PRESETS.items():
        register(name, preset)


@hookimpl
def autopack_register_estimators(register: Register) -> None:
    """Register ``deliverables``."""
    from autopack.prediction.estimation.deliverables import Deliverables

    register("deliverables", Deliverables())


@hookimpl
def autopack_register_calibrators(register: Register) -> None:
    """Register ``mixture``, ``median-ratio``, and the calibrators that sizes are kept by."""
    from autopack.prediction.calibration.conformal import SplitConformal
    from autopack.prediction.calibration.median_ratio import MedianRatio
    from autopack.prediction.calibration.shrinkage import ShrinkageQuantile
    from autopack.prediction.mixture.calibrator import Mixture

    for calibrator in (Mixture, MedianRatio, ShrinkageQuantile, SplitConformal):
        register(calibrator.name, calibrator)


@hookimpl
def autopack_register_projections(register: Register) -> None:
    """Register the library's own read models."""
    from autopack.projections.accounts import ACCOUNTS
    from autopack.projections.attempts import ATTEMPTS
    from autopack.projections.calls import USAGE
    from autopack.projections.coefficients import COEFFICIENTS
    from autopack.projections.phases import PHASES
    from autopack.projections.runs import RUNS
    from autopack.projections.workspaces import WORKSPACES

    for projection in (PHASES, RUNS, ATTEMPTS, USAGE, COEFFICIENTS, ACCOUNTS, WORKSPACES):
        register(projection.name, projection)


@hookimpl
def autopack_register_exporters(register: Register) -> None:
    """Register ``csv``, ``jsonl`` and ``ndjson``."""
    from autopack.exchange.exporters.csv_files import CsvRows
    from autopack.exchange.exporters.jsonl import JsonLines
    from autopack.exchange.exporters.ndjson import CloudEventLines

    register("csv", CsvRows())
    register("jsonl", JsonLines())
    register("ndjson", CloudEventLines())


@hookimpl
def autopack_register_importers(register: Register) -> None:
    """Register ``ndjson`` and ``records``."""
    from autopack.exchange.importers.ndjson import CloudEventImporter
    from autopack.exchange.importers.records import RecordImporter

    register("ndjson", CloudEventImporter())
    register("records", RecordImporter())


@hookimpl
def autopack_register_checks(register: Register) -> None:
    """Register ``deliverables`` and ``json``."""
    from autopack.draining.checks.deliverables_check import deliverables
    from autopack.draining.checks.json_check import JsonCheck

    register("deliverables", deliverables)
    register("json", JsonCheck)


@hookimpl
def autopack_register_launchers(register: Register) -> None:
    """Register ``local``, which starts processes of this machine."""
    from autopack.draining.engine.local_launcher import LocalLauncher

    register("local", LocalLauncher)


@hookimpl
def autopack_register_backends(register: Register) -> None:
    """Register ``sqlite``, which a path alone means too, and ``memory``."""
    from autopack.log.addresses import Memory, SqliteFiles

    register("sqlite", SqliteFiles())
    register("memory", Memory())


@hookimpl(trylast=True)
def autopack_gate_phase(phase: "PhaseView") -> str | None:
    """Ask what the phase's label ``gate`` asks."""
    label = phase.labels.get("gate")
    return label if label is None else label.strip() or f"Is {phase.key} as it should be?"


@hookimpl(trylast=True)
def autopack_classify_failure(failure: "Failed", answered: bool) -> "Classed":
    """Classify by what the failure tells as facts, then by its code, then by its words."""
    from autopack.draining.attempts.failure_classes import class_of

    return class_of(failure, answered=answered)


@hookimpl(trylast=True)
def autopack_category_for(category: str) -> str:
    """Answer with the word of the built-in vocabulary."""
    from autopack.prediction.estimation import vocabulary

    return vocabulary.category(category)
