"""``autopack serve``: the pages of a log, on this machine."""

import click

from autopack.cli.output import say
from autopack.cli.session import LogCommand, Session


@click.command(cls=LogCommand, short_help="Show the log in a browser.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8642, show_default=True, type=click.IntRange(0, 65535))
@click.pass_obj
def serve(session: Session, host: str, port: int) -> None:
    """
    Show the log in a browser, live, and as it was at any moment.

    Nothing can be changed there. Ctrl-C ends it.
    """
    from autopack_web.app import create_app
    from autopack_web.server import listen

    with session.open_log() as log:
        listen(create_app(log), host=host, port=port, told=say)
