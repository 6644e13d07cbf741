"""``autopack kubernetes``: manifests of workers, from the queue of a log."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import click

from autopack.cli.number_options import COUNT
from autopack.cli.output import note, say
from autopack.cli.program_arguments import ProgramCommand
from autopack.cli.scale import worker_said
from autopack.cli.session import Session, example

if TYPE_CHECKING:
    from autopack.types import Launched, Log, WorkerOrder

_NAME: Final = "kubernetes"
_COUNTED: Final = ("max_tokens", "max_usd", "max_phases", "max_samples")
_WAITING: Final = frozenset({"QUEUED", "CLAIMED", "RUNNING"})


def _image(_ctx: click.Context, _parameter: click.Parameter, given: str) -> str:
    """Refuse what names no image: no cluster would say so before it starts a pod."""
    if not given or any(sign.isspace() for sign in given):
        raise click.BadParameter(f"{given!r} names no image.")
    return given


@click.command(
    cls=ProgramCommand,
    short_help="Write manifests of workers, for kubectl and KEDA.",
    epilog=example(
        "autopack --log postgresql://db/work kubernetes --image work:1 \\",
        "    --max 50 -- --executor work.py:execute --workers 4 | kubectl apply -f -",
    ),
)
@click.option(
    "--image",
    required=True,
    callback=_image,
    help="With Autopack, its plugins, and what they need.",
)
@click.option("--max", "most", type=COUNT, required=True, metavar="N", help="Workers at most.")
@click.option("--jobs", is_flag=True, help="Jobs for what is ready now, without KEDA.")
@click.option("--namespace", metavar="NAME", help="Where they belong.")
@click.option(
    "--secret", default="autopack", show_default=True, metavar="NAME",
    help="Has the log's address as `log`, and KEDA's `connection`.",
)  # fmt: skip
@click.option(
    "--gpu", default="nvidia.com/gpu", show_default=True, metavar="NAME", help="What a GPU is."
)
@click.pass_context
def kubernetes(
    ctx: click.Context,
    image: str,
    most: int,
    jobs: bool,
    namespace: str | None,
    secret: str,
    gpu: str,
) -> None:
    """
    Print manifests of workers: for KEDA, which starts as many as the queue asks for.

    There is one for each set of things that phases require. What stands after -- are options of
    `autopack worker`. KEDA asks a log in PostgreSQL how many phases there are, and knows neither
    lanes nor caps: a worker that may take nothing ends once it was idle.
    """
    import yaml

    from autopack_kubernetes.manifests import Cluster

    session = ctx.find_object(Session)
    assert session is not None
    options, settings = worker_said(ctx, session)
    cluster = Cluster(image=image, namespace=namespace, secret=secret, gpu=gpu)
    with session.open_log() as log:
        made = _jobs if jobs else _scaled_jobs
        found = made(log, cluster, options, settings, most)
    if not found:
        note("There is nothing to do that workers could be started for.")
        return
    say(yaml.safe_dump_all(found, sort_keys=False, width=100), nl=False)


class _Planned:
    """Starts nobody, and keeps how many would be started of which kind."""

    name = _NAME

    def __init__(self) -> None:
        self.orders: list[tuple[WorkerOrder, int]] = []

    def running(self, log_id: str) -> "list[Launched]":
        return []

    def start(self, order: "WorkerOrder", n: int) -> list[str]:
        self.orders.append((order, n))
        return [f"{order.name}-{i}" for i in range(n)]

    def stop(self, ids: Sequence[str]) -> None:
        raise AssertionError("nobody runs who could be stopped")


def _jobs(
    log: "Log", cluster: Any, options: Sequence[str], settings: dict[str, Any], most: int
) -> list[dict[str, Any]]:
    """Return Jobs for as many workers as the queue, its lanes and caps can use now."""
    import autopack

    planned = _Planned()
    command = ["autopack", "worker", *options]
    found = autopack.scale(log, launcher=planned, most=most, command=command, **settings)
    note(found.stands)
    return [cluster.job(order, n) for order, n in planned.orders]


def _scaled_jobs(
    log: "Log", cluster: Any, options: Sequence[str], settings: dict[str, Any], most: int
) -> list[dict[str, Any]]:
    """Return a ScaledJob for each set of things that phases require which are not done."""
    from autopack_kubernetes.queue_query import queue_query

    if settings.get("offers"):
        raise click.UsageError("Leave --offers out: workers offer what phases require.")
    if not settings.get("drain") and any(settings.get(name) is not None for name in _COUNTED):
        raise click.UsageError("A cap that all workers share needs the name of their --drain.")
    schema, run_id = _schema(log), settings.get("run_id")
    found = []
    for requires in _requirements(log, run_id):
        order = _order(log, options, settings, requires)
        has_amounts = any(not isinstance(there, list | tuple) for there in requires.values())
        slots = 1 if has_amounts else settings.get("workers", 1)
        query = queue_query(schema, requires, run_id)
        found.append(cluster.scaled_job(order, query=query, slots=slots, most=most))
    return found


def _schema(log: "Log") -> str:
    """Return the schema that a log is in; a log in a file is for no cluster."""
    from autopack.errors import InvalidInputError
    from autopack_postgres.database_address import parsed

    if not log.target.startswith("postgresql://"):
        raise InvalidInputError(
            "KEDA can ask a log in PostgreSQL alone, and pods reach no file of this machine. Move "
            "it there with: autopack log copy. For Jobs on one node: --jobs.",
            name="log",
            value=log.target,
        )
    return parsed(log.target).schema


def _requirements(log: "Log", run_id: str | None) -> list[dict[str, Any]]:
    import autopack

    rows = autopack.view(log, "phases").rows.values()
    found: list[dict[str, Any]] = []
    for row in rows:
        requires = {name: _plain(there) for name, there in sorted(row.requires.items())}
        if row.status in _WAITING and run_id in (None, row.run_id) and requires not in found:
            found.append(requires)
    return found


def _plain(there: Any) -> Any:
    return list(there) if isinstance(there, list | tuple) else there


def _order(
    log: "Log", options: Sequence[str], settings: Mapping[str, Any], requires: Mapping[str, Any]
) -> "WorkerOrder":
    import attrs

    from autopack.types import WorkerOrder

    drain = settings.get("drain") or f"{_NAME}-workers"
    order = WorkerOrder(log_id=log.info()["log_id"], drain=drain, command=(), offers=requires)
    added = [part for name, there in order.offered for part in ("--offers", f"{name}={there}")]
    place = list(options).index("--") if "--" in options else len(options)
    told = ("--drain", drain, *added)
    command = ("autopack", "worker", *options[:place], *told, *options[place:])
    return attrs.evolve(order, command=command)
