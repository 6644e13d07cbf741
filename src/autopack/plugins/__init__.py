"""Finds plugins, checks them one by one, and keeps what they register."""

from autopack.plugins.files import from_file
from autopack.plugins.finding import GROUP, load_plugins
from autopack.plugins.registry import KINDS, PluginInfo, Registry

__all__ = ["GROUP", "KINDS", "PluginInfo", "Registry", "from_file", "load_plugins"]
