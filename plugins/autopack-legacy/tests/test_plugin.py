"""The entry point offers its three parts, and loads little before they are used."""

import subprocess
import sys
from importlib.metadata import entry_points

import pluggy

from autopack.plugins import hookspecs
from autopack_legacy import LegacyCalibrator, LegacyEstimator, LegacyImporter, plugin


def test_hooks_register_each_part():
    """Each hook registers one object under the documented name."""
    manager = pluggy.PluginManager("autopack")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    importers, calibrators, estimators = {}, {}, {}
    manager.hook.autopack_register_importers(register=importers.__setitem__)
    manager.hook.autopack_register_calibrators(register=calibrators.__setitem__)
    manager.hook.autopack_register_estimators(register=estimators.__setitem__)
    manager.check_pending()

    assert {"autopack-legacy": LegacyImporter} == {n: type(o) for n, o in importers.items()}
    assert {"legacy": LegacyCalibrator} == calibrators
    assert {"legacy": LegacyEstimator} == {n: type(o) for n, o in estimators.items()}


def test_entry_point_names_the_plugin():
    """The distribution's entry point is the plugin module."""
    (entry,) = [e for e in entry_points(group="autopack") if e.name == "legacy"]

    assert "autopack_legacy.plugin" == entry.value


def test_plugin_is_light():
    """Loading the plugin loads neither sqlite3 nor the events."""
    code = (
        "import sys, autopack_legacy.plugin; "
        "print([m for m in ('sqlite3', 'autopack.events', 'rpds') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
