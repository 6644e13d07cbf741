"""What was typed for a drain as its settings: only what was said, with names resolved."""

from typing import Any, Final

import click

from autopack.cli.named_checks import checks_of
from autopack.cli.named_plugins import executor_of, strategy_of, workspace_of
from autopack.cli.output import users_prints
from autopack.cli.program_arguments import command_of
from autopack.plugins.python_files import placed

_NOBODY: Final = "recorded"


def settings_said(
    ctx: click.Context,
    registry: Any,
    *,
    command: str | None,
    preset: str | None,
    options: tuple[str, ...],
    strategy_options: tuple[str, ...],
    workspace_options: tuple[str, ...],
    is_plan: bool = False,
    **given: Any,
) -> dict[str, Any]:
    """
    Return what was said on the command line; a drain to go on with says the rest.

    Args:
        command, preset, options: What names a program that does the work.
        is_plan: Whether nothing is to be done, so that nobody needs to be there who does it.
        given: The other parameters by name; those that were not typed are left out.
    """
    source = ctx.get_parameter_source
    said = {
        name: value
        for name, value in given.items()
        if source(name) is not click.core.ParameterSource.DEFAULT
    }
    program = (command_of(ctx, command), preset, options)
    with users_prints():
        _name_parts(said, registry, program, is_plan=is_plan)
        if "strategy" in said:
            said["strategy"] = strategy_of(registry, said["strategy"], strategy_options)
        for name in {"calibrator", "estimator"} & said.keys():
            said[name] = placed(said[name])
        if "workspace" in said:
            said["workspace"] = workspace_of(registry, said["workspace"], workspace_options)
    if "tau" in said and not {"calibrator", "resumes"} & said.keys():
        raise click.UsageError("--tau belongs to --calibrator.")
    if strategy_options and "strategy" not in said:
        raise click.UsageError("--strategy-option (-s) is for a --strategy: name that too.")
    if workspace_options and "workspace" not in said:
        raise click.UsageError("--workspace-option (-w) is for a --workspace: name that too.")
    return said


def _name_parts(
    said: dict[str, Any],
    registry: Any,
    program: tuple[str | None, str | None, tuple[str, ...]],
    *,
    is_plan: bool,
) -> None:
    if "resumes" not in said or "executor" in said or any(program):
        nobody = _NOBODY if is_plan and not any(program) else None  # a plan calls none
        said["executor"] = executor_of(registry, said.get("executor") or nobody, *program)
    if "check" in said:
        said["check"] = checks_of(registry, said["check"])
    if "prices" in said:
        from autopack.api.prices import read_prices

        said["prices"] = read_prices(said["prices"], plugins=registry)
