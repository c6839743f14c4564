"""A face model that its authors published, from their file to its accuracy.

The weights may not be redistributed, so the test takes those of its user: see
"Original models" in docs/testing.md.
"""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.tools.cli import main
from keras_hypersphere.zoo import FaceEmbedder, get_card, images
from keras_hypersphere.zoo.cards.golden import golden_crop

WORDS = ("KH_CAFFE_CARD", "KH_CAFFE_PROTOTXT", "KH_CAFFE_MODEL")
PROTOCOLS = ("sphereface", "normface-pca")
# Another detector, and other photos than the authors had.
SLACK = 0.02

pytestmark = pytest.mark.skipif(
    not all(os.environ.get(word) for word in WORDS),
    reason=f"no original model: set {', '.join(WORDS)} (and KH_LFW), "
    "see docs/testing.md",
)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """The card's name, and where the conversion has put it."""
    home = tmp_path_factory.mktemp("home")
    card, prototxt, caffemodel = (os.environ[word] for word in WORDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(home))
        if card.endswith(".json"):
            cache = home / "models" / "keras_hypersphere"
            cache.mkdir(parents=True)
            shutil.copy(card, cache)
            card = Path(card).stem
        assert main(["convert", prototxt, caffemodel, "--card", card]) == 0
    return card, home


@pytest.fixture
def name(converted, monkeypatch):
    card, home = converted
    monkeypatch.setenv("KERAS_HOME", str(home))
    return card


def test_it_is_ready(name):
    card = get_card(name)
    assert card.finished
    embedder = FaceEmbedder.from_preset(name)
    found = embedder.embed_aligned(golden_crop(card))
    size = np.abs(card.golden_output).max()
    np.testing.assert_allclose(found, card.golden_output, atol=1e-5 * size)


def test_it_embeds_photos(name, tmp_path):
    samples = Path(images.__file__).parent / "samples"
    out = tmp_path / "e.npz"
    words = ["embed", str(samples), "--model", name, "-o", str(out)]
    assert main(words) == 0
    with np.load(out) as arrays:
        assert arrays["embeddings"].shape == (2, get_card(name).dim)
        assert np.isfinite(arrays["embeddings"]).all()


@pytest.mark.skipif(
    not os.environ.get("KH_LFW"),
    reason="no LFW: set KH_LFW to a folder with images/ and pairs.txt",
)
def test_its_accuracy_is_the_published_one(name, capsys):
    card = get_card(name)
    lfw = Path(os.environ["KH_LFW"])
    best = card.published[0] if card.published else {"protocol": "", "value": 0}
    protocol = next((p for p in PROTOCOLS if p in best["protocol"]), "standard")
    words = ["--images", lfw / "images", "--pairs", lfw / "pairs.txt"]
    if (lfw / "landmarks.npz").is_file():
        words += ["--landmarks", lfw / "landmarks.npz"]
    words += ["--model", name, "--protocol", protocol, "--json"]
    capsys.readouterr()
    assert main(["evaluate", "lfw", *map(str, words)]) == 0
    found = json.loads(capsys.readouterr().out)
    with capsys.disabled():
        print(
            f"\n{name}: {found['accuracy']:.4f} on LFW ({protocol}); "
            f"published {best['value']} ({best['protocol']})"
        )
    assert found["pairs"] == 6000
    # A narrow network, which nobody trained, is no better than a guess.
    wanted = best["value"] - SLACK if "width" not in card.arguments else 0.5
    assert found["accuracy"] >= wanted
