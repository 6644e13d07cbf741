"""``autopack prices``: what the log's calls cost by a table."""

from pathlib import Path

import attrs
import click

from autopack.cli.output import json_option, print_json, print_table, say
from autopack.cli.session import LogCommand, Session
from autopack.values.money import Usd
from autopack_prices.environment import PRICES, named_table


@click.command(
    cls=LogCommand,
    epilog="\b\nExample:\n  autopack --log work.db prices --prices prices.toml",
)
@click.option(
    "--prices",
    "file",
    type=click.Path(path_type=Path),
    help=f"A file of dated prices; also {PRICES}.",
)
@json_option
@click.pass_obj
def prices(session: Session, file: Path | None, as_json: bool) -> None:
    """Show what each model's calls cost by a table, each at the price of its day."""
    from autopack.events import LlmUsageAmended, LlmUsageRecorded
    from autopack_prices.bill import bills
    from autopack_prices.tables import table_in

    path = named_table() if file is None else file.absolute()
    if path is None:
        raise click.UsageError(f"No prices are named: give --prices FILE, or set {PRICES}.")
    table = table_in(path)
    with session.open_log() as log:
        found = bills(log.read_all(types=(LlmUsageRecorded, LlmUsageAmended)), table)
    if as_json:
        print_json([attrs.asdict(bill) for bill in found])
        return
    if not found:
        say("No calls are recorded.")
        return
    header = [field.name for field in attrs.fields(type(found[0]))]
    print_table(header, [[_shown(value) for value in attrs.astuple(bill)] for bill in found])


def _shown(value: object) -> object:
    if isinstance(value, Usd):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) else value
