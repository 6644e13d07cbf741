"""How long Hypothesis looks, no network, and the ready logs of the library's kit, for tests."""

import os
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from tests.network import keep_here, watched
from tests.shared_servers import remove_all

pytest_plugins = ["autopack.testing.fixtures"]
pytest.register_assert_rewrite("tests.replayed_drains")

from tests.replayed_drains import (  # noqa: E402 - once its assertions are told in full
    ReplayedDrains,
    folder_of,
    is_looked_on,
    is_remembering,
    is_replayed,
)

keep_here()
_no_network = pytest.fixture(autouse=True)(watched)

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)

settings.register_profile(
    "default",
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=_SLOW_IS_FINE,
)
settings.register_profile(
    "long",
    parent=settings.get_profile("default"),
    max_examples=1000,
    stateful_step_count=60,
    derandomize=False,
)
settings.register_profile(
    "mutants",  # that a suite fails is enough; nobody reads the smallest example
    parent=settings.get_profile("default"),
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    database=None,
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_sessionfinish() -> None:
    """Leave no server behind, in whichever of several processes the tests ran."""
    remove_all()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """
    Replay the drains of a test once it is over, while its logs are open, or left in its folder.

    Those marked ``remembers`` have a strategy that is no function of what it is shown.
    """
    if not is_replayed(item):
        return (yield)
    folder = partial(folder_of, item)
    replayed = ReplayedDrains(remembers=is_remembering(item), folder=folder)
    with replayed.noting(is_looked_on=is_looked_on(item)):
        return (yield)
