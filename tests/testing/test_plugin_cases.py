"""Which suites fit on what a plugin registers."""

from autopack import hookimpl, load_plugins
from autopack.testing.plugin_cases import parts_of


class Demanding:
    """An executor that cannot be made without an option."""

    def __init__(self, region: str) -> None:
        self.region = region

    def execute(self, phase, attempt):
        """Do nothing."""


class Plugin:
    """Registers it."""

    @hookimpl
    def autopack_register_executors(self, register):
        """Register the class."""
        register("demanding", Demanding)


def test_what_needs_options_is_not_asked_and_told_why():
    """Each promise would fail alike, and none would be broken."""
    registry = load_plugins(extra=[Plugin()])
    info = next(one for one in registry.infos if "executor demanding" in one.provides)
    (part,) = parts_of(registry, info, sources=(), live=True)

    assert (None, "") == (part.suite, part.fault)
    assert "it needs 'region'" in part.why
    assert part.why.endswith("Its own tests can, by make() of the suite")
