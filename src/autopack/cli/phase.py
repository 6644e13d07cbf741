"""``autopack phase``: add phases to a run, look at one, and decide what becomes of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autopack.cli.number_options import AMOUNT, COUNT, resources
from autopack.cli.output import json_option, print_fields, print_json, say
from autopack.cli.position_arguments import phase_argument, phase_in
from autopack.cli.selected_phases import each, selected, selecting
from autopack.cli.session import LogCommand, ReadingCommand, Session, example, why_option
from autopack.cli.suggestions import CommandGroup
from autopack.cli.text_commands import print_texts, text, texts_json

_INNER = ("order", "index", "attempts_spent", "calls_this_attempt", "lease_token", "fingerprint")
"""What only machines and searches need of a phase; --json has it."""


@click.group(
    cls=CommandGroup,
    elsewhere={"list": "autopack run show RUN"},
    short_help="Add, show, requeue, cancel and skip phases; answer gates.",
    epilog=example("autopack --log work.db phase requeue nightly/p1 --why 'fixed'"),
)
def phase() -> None:
    """Add, show, requeue, cancel and skip phases; read their texts; answer their gates."""


@phase.command(
    cls=LogCommand,
    short_help="Add phases to a run, from a file or one by one.",
    epilog=example(
        "autopack --log work.db phase add nightly --id p7 --category tests \\",
        "    --complexity low --deliverable tests/test_cache.py",
    ),
)
@click.argument("run_id", metavar="RUN")
@click.option("--file", type=click.Path(path_type=Path), help="A run file; its phases are added.")
@click.option("--id", "phase_id", help="The phase's id, unique in the run.")
@click.option("--category", default="uncategorised", help="implementation, tests, docs, ...")
@click.option(
    "--complexity", default="medium", help="low, medium or high; another word counts as medium."
)
@click.option("--deliverable", "deliverables", multiple=True, help="What to write; repeatable.")
@click.option("--goal", help="What the phase is for.")
@click.option("--model", help="The model that the executor is to use.")
@click.option(
    "--priority", type=int, default=0, show_default=True, help="For the strategy `priority`."
)
@click.option(
    "--label", "labels", multiple=True, metavar="NAME=TEXT",
    help="A label; gate=QUESTION lets a person decide when it is done. Repeatable.",
)  # fmt: skip
@click.option(
    "--after", multiple=True, help="A phase of RUN that must be complete first; repeatable."
)
@click.option("--touches", multiple=True, help="Files that it will change, as src/**; repeatable.")
@click.option(
    "--requires", multiple=True, metavar="NAME=N|WORD", callback=resources,
    help="What a drain must offer, as gpu=1 or label=eu; repeatable.",
)  # fmt: skip
@click.option("--timeout-s", type=AMOUNT, help="For each attempt.")
@click.option(
    "--max-attempts",
    type=COUNT,
    default=3,
    show_default=True,
    help="Retries are among them.",
)
@click.pass_context
def add(ctx: click.Context, /, run_id: str, file: Path | None, **given: Any) -> None:
    """Add phases to RUN: those of a file, or one that the options describe."""
    import autopack as api

    session = ctx.find_object(Session)
    assert session is not None
    if file is not None:
        _refuse_beside_file(ctx, given)
    specs = _specs(file, given)
    with session.open_log() as log:
        api.queue_phases(log, run_id, specs)
    say(f"Added to run {run_id}: {', '.join(spec.id for spec in specs)}")


@phase.command(
    cls=ReadingCommand,
    short_help="Show what was asked, how it went, and the texts.",
    epilog=example("autopack --log work.db phase show nightly/p1"),
)
@phase_argument
@json_option
@click.pass_obj
def show(session: Session, words: tuple[str, ...], as_json: bool) -> None:
    """Show what was asked of a phase, how it went so far, and which texts it has."""
    import attrs

    import autopack as api
    from autopack.report.zero_yield_hints import ZERO_YIELD

    with session.open_log() as log:
        wanted = phase_in(log, words)
        found = api.get_phase(log, wanted)
        texts = api.list_texts(log, wanted)
        choice = api.get_choice(log, wanted)
    fields = attrs.asdict(found, recurse=False)
    if as_json:
        taken = None if choice is None else attrs.asdict(choice)
        print_json({**fields, "choice": taken, "texts": texts_json(texts)})
        return
    hidden = ["inputs", "outputs", "artifacts", *_INNER]  # the first three are among the texts
    hidden += ["feedback"] if found.feedback == found.reason else []
    if found.zero_yield_reason is not None:
        silent = found.zero_yield_reason
        fields["zero_yield_reason"] = ZERO_YIELD.get(silent, silent)
    for name in hidden:
        fields.pop(name)
    fields |= {} if choice is None else _chosen(choice)
    print_fields({name: v for name, v in fields.items() if v not in (None, (), {})})
    if texts:
        say()
        print_texts(texts, wanted, session)


def _chosen(choice: Any) -> dict[str, Any]:
    """Return by whom the last attempt was chosen and budgeted, and why."""
    from autopack.report.part_names import calibrator_words, part_name

    return {
        "chosen by": choice.strategy and part_name(choice.strategy),
        "why it was chosen": choice.reason,
        "calibrator": calibrator_words({"calibrator": choice.calibrator, "tau": choice.tau}),
        "why this budget": choice.budget_basis,
    }


def _refuse_beside_file(ctx: click.Context, given: dict[str, Any]) -> None:
    """Refuse what a file's phases would not take from the command line."""
    default = click.core.ParameterSource.DEFAULT
    names = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    said = [names[name] for name in given if ctx.get_parameter_source(name) is not default]
    if said:
        raise click.UsageError(
            f"--file says all of its phases, so it takes no {', '.join(said)} beside it: write "
            "that into the file, or leave --file out and describe one phase."
        )


def _specs(file: Path | None, given: dict[str, Any]) -> tuple[Any, ...]:
    from autopack.exchange.run_files import read_run_file
    from autopack.ports.prediction import PhaseSpec

    if file is not None:
        phases = read_run_file(file.absolute()).phases
        if not phases:
            raise click.UsageError(f"{file} holds no phases, so there is nothing to add.")
        return phases
    if not given["phase_id"]:
        raise click.UsageError("A phase needs --id; or give --file.")
    given["labels"] = dict(map(_label, given["labels"]))
    return (PhaseSpec(given.pop("phase_id"), **given),)


def _label(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise click.UsageError(f"--label {text!r} is no NAME=TEXT.")
    return name, value


def _deciding(
    name: str, help_text: str, call: Callable[..., Any], done: str, *, is_asked: bool = False
) -> None:
    @phase.command(
        name,
        cls=LogCommand,
        help=help_text,
        short_help=help_text.partition(";")[0].rstrip(".") + ".",
        epilog=example(f"autopack --log work.db phase {name} nightly/p1 --why 'cause was fixed'"),
    )
    @phase_argument
    @why_option(is_asked=is_asked)
    @click.pass_obj
    def command(session: Session, words: tuple[str, ...], why: str) -> None:
        import autopack as api

        with session.open_log() as log:
            wanted = phase_in(log, words)
            changed = call(api)(log, wanted, why=why)
        say(f"Phase {wanted} is {done}" + ("" if changed else "; it was before"))


def _deciding_many(
    name: str,
    help_text: str,
    call: Callable[..., Any],
    done: str,
    *,
    is_asked: bool = False,
    option: Callable[[Any], Any] = lambda command: command,
) -> None:
    """Add a command that decides about one phase, or many; *option* is one of its own."""

    @phase.command(
        name,
        cls=LogCommand,
        help=help_text + " Options select phases of a RUN.",
        short_help=help_text.partition(";")[0].rstrip(".") + ".",
        epilog=example(
            f"autopack --log work.db phase {name} nightly/p1 --why 'cause was fixed'",
            f"autopack --log work.db phase {name} nightly --failed --why 'it was fixed'",
        ),
    )
    @phase_argument
    @selecting
    @why_option(is_asked=is_asked)
    @option
    @click.pass_context
    def command(
        ctx: click.Context,
        /,
        words: tuple[str, ...],
        why: str,
        fresh: bool = False,
        **selection: Any,
    ) -> None:
        import autopack as api

        how = {"why": why, **({"fresh": True} if fresh else {})}
        session = ctx.find_object(Session)
        assert session is not None
        with session.open_log() as log:
            if not any(selection.values()):
                wanted = phase_in(log, words)
                changed = call(api)(log, wanted, **how)
                say(f"Phase {wanted} is {done}" + ("" if changed else "; it was before"))
                return
            if len(words) != 1 or "/" in words[0]:
                raise click.UsageError("Name a RUN alone where options select its phases.")
            phases = selected(log, words[0], name, **selection)
            n_refused = each(phases, lambda ref: call(api)(log, ref, **how), done)
        ctx.exit(int(n_refused > 0))


def _gate(decision: str) -> Callable[..., Any]:
    return lambda api: (
        lambda log, ref, *, why: api.decide_gate(log, ref, decision=decision, why=why)
    )


_deciding_many(
    "requeue",
    "Put an ended phase back in the queue, with all its attempts.",
    lambda api: api.requeue,
    "QUEUED",
    option=click.option(
        "--fresh", is_flag=True, help="Begin from the start: leave what attempts kept."
    ),
)
_deciding_many(
    "cancel",
    "Call a phase off; a worker that holds it is told at its next step.",
    lambda api: api.cancel,
    "CANCELLED",
    is_asked=True,
)
_deciding_many("skip", "Leave a phase undone, on purpose.", lambda api: api.skip, "SKIPPED")
_deciding("approve", "Accept what waits at a phase's gate.", _gate("approve"), "COMPLETE")
_deciding(
    "reject", "Turn down what waits at a phase's gate.", _gate("reject"), "FAILED", is_asked=True
)
phase.add_command(text)


@phase.command(
    cls=LogCommand,
    short_help="Say whether a phase's work is right.",
    epilog=example("autopack --log work.db phase judge nightly/p1 --wrong --why 'it drops rows'"),
)
@phase_argument
@click.option("--right/--wrong", default=None, help="Whether the work is right.")
@click.option("--attempt", type=COUNT, help="Which attempt's work.  [default: the last]")
@click.option("--by-check", "check", help="What you went by, in a word.")
@why_option(is_asked=True)
@click.pass_obj
def judge(
    session: Session,
    words: tuple[str, ...],
    right: bool | None,
    attempt: int | None,
    check: str | None,
    why: str,
) -> None:
    """Say whether a phase's work is right: the last word decides its sample, never its state."""
    import autopack as api

    if right is None:
        raise click.UsageError("Say --right or --wrong.")
    with session.open_log() as log:
        wanted = phase_in(log, words)
        (judged,) = api.judge_phase(log, wanted, right=right, why=why, attempt=attempt, check=check)
        found = api.get_phase(log, wanted)
    word = "right" if right else "wrong"
    told = "" if judged.event.attempt is None else f" of attempt {judged.event.attempt}"
    say(f"Phase {wanted} stays {found.status.value}; the work{told} was judged {word}")
    if found.status.value == "COMPLETE" and found.is_right is False:
        say(f"It may be done again: autopack phase requeue {wanted} --why REASON")
