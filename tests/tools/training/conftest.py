import pytest

from tests.tools.training.patches import Patches


@pytest.fixture(scope="session")
def patches():
    return Patches()


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A run of three epochs, and its callbacks; nobody changes it."""
    from tests.tools.training.run_of_patches import train

    run = tmp_path_factory.mktemp("trained") / "run"
    return run, train(run, 3)
