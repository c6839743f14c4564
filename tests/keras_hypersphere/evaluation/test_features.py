import numpy as np
import pytest

from keras_hypersphere.evaluation import concatenate_features, lfw


def parts(seed=0):
    random = np.random.default_rng(seed)
    return [
        random.normal(size=(20, 3)),
        9 * random.normal(size=(20, 5)),
        random.normal(size=(20, 1)).astype(np.float32),
    ]


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


def test_as_they_are():
    whole = concatenate_features(parts())
    assert whole.shape == (20, 9)
    for row in range(20):
        expected = [x for part in parts() for x in part[row].tolist()]
        assert whole[row].tolist() == expected


def test_normalized_parts_weigh_the_same():
    whole = concatenate_features(parts(), normalize=True)
    for a in range(5):
        expected = [cosine(part[a], part[a + 1]) for part in parts()]
        found = cosine(whole[a], whole[a + 1])
        assert found == pytest.approx(np.mean(expected), abs=1e-6)


def test_zero_vectors_stay_zero():
    whole = concatenate_features([[[0, 0]], [[3, 4]]], normalize=True)
    np.testing.assert_allclose(whole, [[0, 0, 0.6, 0.8]], atol=1e-12)


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["float32", "float32"], "float32"),
        (["float16", "float32"], "float32"),
        (["float32", "float64"], "float64"),
        (["int64"], "float64"),
    ],
)
def test_number_types(kinds, expected):
    arrays = [np.ones((2, 2), kind) for kind in kinds]
    for normalize in (False, True):
        assert concatenate_features(arrays, normalize).dtype == expected


def test_an_ensemble_is_better_than_its_members():
    random = np.random.default_rng(0)
    same = np.arange(600) // 30 % 2 == 0
    people = random.normal(size=(2, 600, 24))
    sides = [people[0], np.where(same[:, None], people[0], people[1])]
    patches = [
        [side[:, i::3] + random.normal(size=(600, 8)) for i in range(3)]
        for side in sides
    ]
    whole = lfw(*map(concatenate_features, patches), same).accuracy
    for one, other in zip(*patches, strict=True):
        assert whole > lfw(one, other, same).accuracy + 0.05


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([], "at least one array"),
        ([np.ones((2, 2)), np.ones((3, 2))], "Received: 2, 3 rows"),
        ([np.ones(2)], r"`features\[0\]` must be a matrix"),
        (
            [np.ones((2, 2)), [[1, 2], [np.inf, 1]]],
            r"`features\[1\]` must hold",
        ),
    ],
)
def test_refuses(features, message):
    with pytest.raises(ValueError, match=message):
        concatenate_features(features)
