import numpy as np
import pytest

from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.faces.same_embeddings import (
    embedding_facts,
    require_same_embeddings,
)
from tests.zoo.faces.stand_in import card

GOLDEN = np.array(get_card("dlib-resnet").golden_output)


def facts(golden=GOLDEN, **fields):
    return embedding_facts(card(**fields), golden)


def check(saved, **fields):
    require_same_embeddings(saved, card(**fields), "'g.npz'")


def test_names_and_files_do_not_matter():
    check(facts(name="mine", weights_sha256="f" * 64))
    moved = GOLDEN + 1e-6
    check(facts(moved, weights_sha256="f" * 64))


@pytest.mark.parametrize(
    ("saved", "message"),
    [
        (facts(GOLDEN + 1e-3), "other weights"),
        (facts(GOLDEN[:64]), "other weights"),
        (facts(golden_seed=1), "other weights"),
        (facts(GOLDEN * np.nan), "other weights"),
        (facts(template="arcface"), "template arcface"),
        (facts(distance="l2"), "distance l2"),
    ],
)
def test_other_embeddings(saved, message):
    with pytest.raises(ValueError, match=rf"'g\.npz' was made with.*{message}"):
        check(saved)


def test_older_files_have_the_hash_alone():
    known = card()
    old = {"model": known.name, "model_sha256": known.weights_sha256}
    check(old)
    # The zoo's card says what the weights of this hash give.
    check(old, name="mine", weights_sha256="f" * 64, distance="l2")
    with pytest.raises(ValueError, match="distance l2"):
        check(old, name="mine", weights_sha256="f" * 64)
    for wrong in ("0" * 64, ""):
        with pytest.raises(ValueError, match="other weights of dlib-resnet"):
            check({**old, "model_sha256": wrong})
