"""The section on whole networks, and how it gets into the page."""

import re

import numpy as np
import pytest

from tests.fidelity import networks
from tests.fidelity.report import PAGE
from tests.fidelity.whole_networks import (
    TOLERANCE,
    Result,
    find_section,
    replace_section,
    section,
)
from tests.tools.caffe.conftest import FIXTURES

ROW = re.compile(r"^\| `(\w+)` \| (\d+) \| (.+) \|$", re.MULTILINE)


def test_every_network_is_in_the_page():
    rows = ROW.findall(find_section(PAGE.read_text()))
    assert len(rows) == 58
    assert {path.name for path in (FIXTURES / "conversion").iterdir()} <= {
        name for name, _, _ in rows
    }
    for _, blobs, worst in rows:
        assert int(blobs) > 0
        assert all(float(cell) <= TOLERANCE for cell in worst.split(" | "))


def test_the_section_replaces_itself_alone():
    runs = {
        "jax": {"a": Result(2, 1e-7), "b": Result(3, 2e-6)},
        "reference": {"a": Result(2, 1e-8), "b": Result(3, 3e-9)},
    }
    new = section(runs)
    assert "| network | blobs | JAX | reference |" in new
    assert "| **all** | 5 | 2.0e-06 | 1.0e-08 |" in new
    page = replace_section("# Layers\n\ntext\n", new)
    assert page.startswith("# Layers\n\ntext\n\n## Whole networks\n")
    assert replace_section(page, new) == page
    assert replace_section("# Layers\n", "") == "# Layers\n"
    # A page of layers that is made anew keeps its networks.
    assert replace_section("# New\n", find_section(page)).endswith(new)


@pytest.mark.parametrize("run", [networks.converted, networks.referred])
def test_a_network_and_a_wrong_blob(run):
    case = networks.recordings()["pool_empty_window"]
    assert networks.worst(case, run).worst == 0
    assert networks.worst(case, lambda case: {}).worst == np.inf


def test_differences():
    low = -3.4028235e38
    theirs = np.array([0, 4, low, np.nan], np.float32)
    assert networks.relative(theirs + 0.0, theirs) == 0
    assert networks.relative(np.array([0, 5, low, np.nan]), theirs) == 0.25
    for wrong in ([0, 4, 0, np.nan], [0, 4, low, 1], [np.nan, 4, low, np.nan]):
        assert networks.relative(np.array(wrong), theirs) == np.inf
    assert networks.relative(np.zeros(3), theirs) == np.inf
