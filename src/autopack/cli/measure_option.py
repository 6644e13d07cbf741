"""The measure that is predicted, as an option of every command that predicts one."""

import click

by_option = click.option(
    "--by",
    metavar="MEASURE",
    default="output_tokens",
    show_default=True,
    help="Or what a phase takes in all its attempts: total_tokens, cost_usd or calls.",
)
"""``--by MEASURE``."""
