"""What Slurm is asked for, by what workers offer."""

import math
from collections.abc import Mapping
from typing import Any, Final

from autopack.errors import InvalidInputError

_MB: Final = 1024
_USUAL: Final[Mapping[str, str]] = {
    "gpu": "--gres=gpu:{}",
    "cpus": "--cpus-per-task={}",
    "memory_gb": "--mem={}",
    "partition": "--partition={}",
    "label": "--constraint={}",
}


def asked(offers: Mapping[str, Any], own: Mapping[str, str]) -> list[str]:
    """
    Return the options of ``sbatch`` for a machine that has all that is offered.

    Args:
        own: Further options by the name of what is offered, with ``{}`` for how much or which; they
            come before the usual ones.

    Raises:
        InvalidInputError: Nobody says how to ask for one of them.
    """
    found = []
    for name, there in sorted(offers.items()):
        option = own.get(name, _USUAL.get(name))
        if option is None:
            known = ", ".join(sorted({**_USUAL, **own}))
            raise InvalidInputError(
                f"Nobody says how to ask Slurm for {name!r}; known are {known}. Say it by the "
                f'option asks, as {{"{name}": "--gres={name}:{{}}"}}.',
                name="asks",
                value=dict(own),
            )
        found.append(option.format(_told(name, there)))
    return found


def _told(name: str, there: Any) -> str:
    if isinstance(there, list | tuple):
        return ("," if name == "partition" else "&").join(there)
    if name == "memory_gb":
        return f"{math.ceil(there * _MB)}M"
    return str(math.ceil(there))
