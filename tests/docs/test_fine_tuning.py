"""The page on fine-tuning runs as it stands, on photos of two people."""

import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder, get_card
from tests.docs.sample_files import photos_of

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
CODE = re.findall(
    r"```python\n(.*?)```",
    (ROOT / "docs" / "fine-tuning.md").read_text(),
    re.DOTALL,
)
SAMPLES = ROOT / "zoo" / "samples"
PORTRAITS = {
    "Eileen Collins": "eileen_collins.png",
    "Grace Hopper": "grace_hopper.jpg",
}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The names of the page after each of its blocks; what they print."""
    folder = tmp_path_factory.mktemp("page")
    for person, portrait in PORTRAITS.items():
        (folder / "people" / person).mkdir(parents=True)
        for number, photo in enumerate(photos_of(SAMPLES / portrait)):
            path = folder / "people" / person / f"{number}.png"
            cv2.imwrite(str(path), photo[:, :, ::-1])
    (folder / "people" / "broken.jpg").write_bytes(b"no photo")
    names, states = {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for code in CODE:
            exec(compile(code, "fine-tuning.md", "exec"), names)
            if "backbone" in names:
                names["weights"] = names["backbone"].get_weights()
            states.append(dict(names))
    return states


def test_crops_and_pairs(page):
    crops, pairs, *_ = page
    assert list(crops["found"].failures) == ["people/broken.jpg"]
    assert crops["classes"].tolist() == list(PORTRAITS)
    assert crops["images"].shape == (16, 150, 150, 3)
    assert pairs["same"].tolist() == [True, False, False, False, False, True]


def test_features_tell_people_apart(page):
    state = page[2]
    held_out = state["held_out"]
    assert (
        state["classifier"].predict(state["features"][held_out])
        == state["people"][held_out]
    ).all()


def test_the_head_alone_learns(page):
    _, _, _, frozen, *_ = page
    scores = frozen["model"].evaluate(
        frozen["images"], frozen["labels"], return_dict=True, verbose=0
    )
    assert scores["accuracy"] == 1.0


def test_then_the_last_layers(page):
    _, _, _, frozen, tuned, _ = page
    moved = {
        variable.path.split("/")[0]
        for variable, old, new in zip(
            tuned["backbone"].weights,
            frozen["weights"],
            tuned["weights"],
            strict=True,
        )
        if not np.array_equal(old, new)
    }
    assert any(name.startswith("stage4") for name in moved)
    assert not any(
        name.startswith(("stem", "stage1", "stage2")) for name in moved
    )
    assert len(tuned["history"].history["val_verification_auc"]) == 2
    assert tuned["history"].history["val_verification_auc"][-1] == 1.0


def test_it_is_a_preset_again(page):
    *_, state = page
    card = state["again"].card
    assert card.name == "dlib-resnet.mine"
    assert 0 < card.threshold != get_card("dlib-resnet").threshold
    assert card.source.startswith("fine-tuned from dlib-resnet, ")
    assert not (card.published or card.measured or card.source_sha256)
    np.testing.assert_allclose(
        state["again"].embed_aligned(state["crops"]),
        state["embedder"].embed_aligned(state["crops"]),
        atol=1e-5,
    )


def test_the_old_card_says_nothing_of_the_new_weights(page, tmp_path):
    """As the page says: `embedder` has the new weights and the old card."""
    embedder = page[-1]["embedder"]
    assert embedder.card.threshold > 0
    card = embedder.save_to_preset(tmp_path / "tuned")
    assert card.threshold == 0 and not card.measured
    again = FaceEmbedder.from_preset(tmp_path / "tuned")
    photos = sorted((SAMPLES).glob("*.*"))
    with pytest.raises(ValueError, match="The threshold of dlib-resnet is not"):
        again.verify(*photos)


def test_every_example_is_run():
    assert len(CODE) == 6
