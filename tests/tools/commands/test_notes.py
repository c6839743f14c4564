from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import images

SAMPLES = Path(images.__file__).parent / "samples"


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """One photo upright, and the same one lying on its side."""
    folder = tmp_path_factory.mktemp("photos") / "Grace"
    folder.mkdir()
    upright = cv2.imread(str(SAMPLES / "grace_hopper.jpg"))
    cv2.imwrite(str(folder / "upright.png"), upright)
    cv2.imwrite(str(folder / "lying.png"), np.rot90(upright, -1))
    return folder


@pytest.mark.parametrize("turn", [[], ["--turn", "90"], ["--turn", "0"]])
@pytest.mark.parametrize("command", ["verify", "embed", "align", "identify"])
def test_a_turned_photo_is_told(command, turn, photos, tmp_path, capsys):
    lying = str(photos / "lying.png")
    words = {
        "verify": [lying, lying],
        "embed": [lying, "-o", str(tmp_path / "out.npz")],
        "align": [lying, "-o", str(tmp_path / "crops")],
        "identify": [lying, "--gallery", str(photos.parent)],
    }[command]
    main([command, *words, *turn])
    told = [
        line
        for line in capsys.readouterr().err.splitlines()
        if line.startswith("note: ") and "turned by 90 degrees" in line
    ]
    if turn == ["--turn", "0"]:
        assert not told
    else:
        (line,) = told
        assert lying in line and "--turn 0" in line
