from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fixtures():
    return ROOT / "tests" / "fixtures" / "caffe" / "conversion"


@pytest.fixture
def sample():
    folder = ROOT / "tools" / "samples"
    return folder / "lenet_pp.prototxt", folder / "lenet_pp.caffemodel"


@pytest.fixture
def write(tmp_path):
    def write_bytes(content, name="net"):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        return path

    return write_bytes
