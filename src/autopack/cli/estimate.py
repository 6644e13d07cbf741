"""``autopack estimate``: how large a phase's output will be, and why."""

from pathlib import Path

import click

from autopack.cli.measure_option import by_option
from autopack.cli.number_options import SHARE
from autopack.cli.output import json_option, print_fields, print_json, print_table, words
from autopack.cli.position_arguments import place_of
from autopack.cli.session import LogCommand, Session, example


@click.command(
    cls=LogCommand,
    short_help="Predict a phase's output in tokens, part by part.",
    epilog=example(
        "autopack estimate --category docs --complexity low --deliverable docs/a.md",
        "autopack estimate --category docs --complexity low --by cost_usd",
    ),
)
@click.option("--category", required=True, help="implementation, tests, docs, ...")
@click.option(
    "--complexity", required=True, help="low, medium or high; another word counts as medium."
)
@click.option("--deliverable", "deliverables", multiple=True, help="What to write; repeatable.")
@click.option("--goal", help="What the phase is for.")
@click.option("--model", help="The model that is to be used.")
@click.option(
    "--estimator", default="deliverables", show_default=True, help="What predicts the sizes."
)
@click.option(
    "--workspace", type=click.Path(path_type=Path), help="Look here for files that exist."
)
@click.option("--until", metavar="POSITION|TIME", help="By what the log had taught by then.")
@click.option("--calibrator", help="Budget a quantile by it, from the log's samples.")
@click.option(
    "--tau", type=SHARE, default=0.9, show_default=True,
    help="The share of outputs that the budget is to hold, or of phases that take no more.",
)  # fmt: skip
@by_option
@json_option
@click.pass_context
def estimate(
    ctx: click.Context,
    /,
    category: str,
    complexity: str,
    deliverables: tuple[str, ...],
    goal: str | None,
    model: str | None,
    estimator: str,
    workspace: Path | None,
    until: str | None,
    calibrator: str | None,
    tau: float,
    by: str,
    as_json: bool,
) -> None:
    """
    Predict a phase's output in tokens; with --log, by what that log's calibrations taught.

    With --by, say what the phase takes in that measure, in all its attempts, from what phases of
    the log took.
    """
    import autopack as api
    from autopack.errors import InvalidInputError
    from autopack.ports.prediction import PhaseSpec
    from autopack.report.quantities import figure_text

    session = ctx.find_object(Session)
    assert session is not None
    is_said = ctx.get_parameter_source("tau") is not click.core.ParameterSource.DEFAULT
    is_output = by.replace("-", "_") == "output_tokens"
    if is_said and calibrator is None and is_output:
        raise click.UsageError("--tau belongs to --calibrator, or to --by.")
    spec = PhaseSpec(
        "estimate",
        category=category,
        complexity=complexity,
        deliverables=deliverables,
        goal=goal,
        model=model,
    )
    chosen = session.registry().resolve("estimator", estimator)
    place = None if workspace is None else workspace.absolute()
    if place is not None and not place.is_dir():
        raise InvalidInputError(
            f"There is no folder {place} to look for files in.", name="workspace", value=place
        )
    end = None if until is None else place_of(until)
    log = session.maybe_log()
    try:
        found = api.estimate(
            spec,
            log=log,
            estimator=chosen,
            workspace=place,
            until=end,
            calibrator=calibrator,
            tau=tau,
            by=by,
        )
    finally:
        if log is not None:
            log.close()
    if as_json:
        print_json(found)
        return
    if (takes := found.takes) is not None:
        show = figure_text
        print_fields(
            {
                f"{takes.by}_expected": show(takes.by, takes.expected),
                f"{takes.by}_at_most": f"{show(takes.by, takes.most)}, {takes.tau:.0%} of the time",
                "basis": takes.basis,
            }
        )
        return
    print_fields(
        {
            "predicted_output_tokens": found.predicted_output_tokens,
            "budget_tokens": found.budget_tokens,
            "budget_basis": found.budget_basis,
            "confidence": f"{found.confidence:.2f}",
            "estimator": f"{found.estimator} {found.estimator_version}",
        }
    )
    print_table(
        ("part", "tokens", "why"),
        [(words(p.name), f"{p.tokens:,.0f}", p.why) for p in found.parts],
    )
