import pytest

from tests.tools.training.patches import Patches


@pytest.fixture(scope="session")
def patches():
    return Patches()
