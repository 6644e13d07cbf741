"""What the entry point finds: the registrations, with nothing else loaded before it is needed."""

from autopack.plugins.hookspecs import Register, hookimpl


@hookimpl
def autopack_register_importers(register: Register) -> None:
    """Register the importer of the old system's databases."""
    from autopack_legacy.importer import LegacyImporter

    register(LegacyImporter.name, LegacyImporter())


@hookimpl
def autopack_register_calibrators(register: Register) -> None:
    """Register the calibrator with the old formulae."""
    from autopack_legacy.calibrator import LegacyCalibrator

    register(LegacyCalibrator.name, LegacyCalibrator)


@hookimpl
def autopack_register_estimators(register: Register) -> None:
    """Register the estimator with the old figures."""
    from autopack_legacy.estimator import LegacyEstimator

    register(LegacyEstimator.name, LegacyEstimator())
