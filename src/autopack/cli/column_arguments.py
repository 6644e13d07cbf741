"""Columns of a trace, as they are typed."""

import click


def column_of(text: str) -> tuple[str, str]:
    """Return the field and the column of ``FIELD=NAME``."""
    field, equals, name = text.partition("=")
    if not equals or not field or not name:
        raise click.UsageError(f"--column {text!r} must be FIELD=NAME.")
    return field, name
