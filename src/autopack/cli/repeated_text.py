"""What a command shows over and over, or goes on showing, until Ctrl-C."""

import sys
import time
from collections.abc import Callable
from typing import Final

from autopack.cli.output import say

_CLEAR: Final = "\x1b[H\x1b[2J"
_LOOK_S: Final = 2.0


def watch(picture: Callable[[], str], every_s: float = _LOOK_S) -> None:
    """Show a text again and again until Ctrl-C; on a terminal in the place of the one before."""
    is_terminal = sys.stdout.isatty()
    try:
        while True:
            text = picture()
            if is_terminal:
                sys.stdout.write(_CLEAR)
            say(text)
            sys.stdout.flush()
            time.sleep(every_s)
    except KeyboardInterrupt:
        return
