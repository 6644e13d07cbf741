"""What the entry point finds: the registration, with nothing else loaded before it is needed."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_calibrators(register: Register) -> None:
    """Register ``boost``."""
    from autopack_boost.calibrator import BoostCalibrator

    register(BoostCalibrator.name, BoostCalibrator)
