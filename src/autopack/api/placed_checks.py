"""Checks as a log keeps them for whoever runs them, wherever that is."""

import attrs

from autopack.ports.check_specs import Checks, CheckSpec


def placed(checks: Checks | None) -> Checks | None:
    """
    Return checks whose files are named by their whole paths; their programs can be filled in.

    Raises:
        InvalidInputError: There is no such placeholder.
    """
    return checks and tuple(map(_placed, checks))


def _placed(spec: CheckSpec) -> CheckSpec:
    from autopack.draining.checks.named_checks import check_placeholders
    from autopack.plugins.python_files import place_in

    check_placeholders(spec)
    if spec.use is None or (place := place_in(spec.use)) is None:
        return spec
    path, name = place
    whole = f"{path.absolute()}:{name}"
    return attrs.evolve(spec, use=whole)
