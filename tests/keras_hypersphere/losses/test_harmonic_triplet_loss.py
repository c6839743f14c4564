import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.losses.harmonic_triplet_loss import HarmonicTripletLoss
from keras_hypersphere.losses.triplet_loss import TripletLoss
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.losses import triplet_oracle as oracle

RNG = np.random.default_rng(0)
LABELS = np.array([3, 1, 1, 7, 3, 0, 3, 1])
Y = RNG.normal(size=(8, 6)).astype("float32")


def loop(y, labels, loss):
    """(N,) values and the derivative of their mean, by a loop over 2N."""
    n, d = y.shape[0], y.shape[1] // 2
    x = np.concatenate([y[:, :d], y[:, d:]]).astype("float64")
    both = np.concatenate([labels, labels])

    def pairs(a, p):
        if a == p or min(a, p) >= n:
            return False
        if loss.anchors == "v2" and a >= n:
            return False
        return loss.same_image or a % n != p % n

    distances = oracle.matrix(x, loss.distance)
    values, active, count = np.zeros(n), [], 0
    chosen = oracle.triplets(distances, both, loss.mining, loss.fallback, pairs)
    for a, p, negative in chosen:
        count += 1
        if negative is None:
            continue
        hinge = distances[a, p] - distances[a, negative] + loss.margin
        if hinge > 0:
            values[a % n] += hinge
            active.append((a, p, negative))
    if loss.mining == "hard":
        count = n if loss.anchors == "v2" else 2 * n
    slopes = oracle.slopes(x, active, 1 / count, loss.distance)
    slopes[n:] = 0
    return values * n / count, np.concatenate([slopes[:n], slopes[n:]], axis=1)


@pytest.mark.parametrize("mining", ["semi-hard", "hard", "all"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"same_image": False, "distance": "l2"},
        {"anchors": "v2", "distance": "cosine"},
        {"anchors": "v2", "same_image": False},
    ],
)
def test_follows_the_loop(mining, options):
    fallback = "largest" if mining == "semi-hard" and options else None
    loss = HarmonicTripletLoss(1.5, mining=mining, fallback=fallback, **options)

    def function(y):
        values = loss.call(LABELS, y)
        return loss(LABELS, y), values

    result = gradients(function, [Y])
    values, slopes = loop(Y, LABELS, loss)
    assert values.any()
    np.testing.assert_allclose(result.outputs, values, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result.value, values.mean(), rtol=1e-5)
    np.testing.assert_allclose(
        result.inputs[0], slopes, rtol=1e-4, atol=1e-5 * np.abs(slopes).max()
    )
    # The old embeddings stay as they are.
    assert not result.inputs[0][:, 3:].any()


def test_without_an_image_of_its_class_there_is_its_own():
    """All classes different: the only pairs are v2 and v1 of one image."""
    labels = np.arange(8)
    loss = HarmonicTripletLoss(2.0, fallback="largest")
    assert float(loss(labels, Y)) > 0
    assert float(HarmonicTripletLoss(2.0, same_image=False)(labels, Y)) == 0
    assert float(loss(np.zeros(8, int), Y)) == 0
    assert float(loss(np.zeros(0, int), Y[:0])) == 0


def test_arguments_are_checked_and_kept():
    for name, value in (
        ("margin", -1.0),
        ("same_image", 1),
        ("anchors", "v1"),
        ("fallback", "none"),
    ):
        with pytest.raises(ValueError, match=f"`{name}`.*Received"):
            HarmonicTripletLoss(**{name: value})
    with pytest.raises(ValueError, match="side by side"):
        HarmonicTripletLoss()(LABELS, Y[:, :5])
    loss = HarmonicTripletLoss(0.5, anchors="v2", same_image=False)
    again = keras.losses.deserialize(keras.losses.serialize(loss))
    assert again.get_config() == loss.get_config()


# Photos of 24 identities as vectors: what tells identities apart lies in 8
# directions, the rest differs from photo to photo.
IDENTITIES, PIXELS = 24, 24


def photos(count, seed):
    rng = np.random.default_rng(seed)
    faces = np.random.default_rng(5).normal(size=(IDENTITIES, 8))
    view = np.random.default_rng(6).normal(size=(8, PIXELS))
    labels = np.arange(count) % IDENTITIES
    noise = rng.normal(size=(count, PIXELS))
    return (faces[labels] @ view + 1.5 * noise).astype("float32"), labels


def network(seed, name):
    initial = keras.initializers.GlorotUniform(seed=seed)
    return keras.Sequential(
        [
            keras.Input((PIXELS,)),
            keras.layers.Dense(8, kernel_initializer=initial),
            NormalizeLayer(),
        ],
        name=name,
    )


def verification(left, right, labels):
    """Share of (same, different) pairs of pairs in the right order."""
    scores = left @ right.T
    same = labels[:, None] == labels[None, :]
    apart = ~np.eye(len(labels), dtype=bool)
    own, foreign = scores[same & apart], scores[~same]
    ranks = np.searchsorted(np.sort(foreign), own) / len(foreign)
    return ranks.mean()


@pytest.mark.slow
def test_new_embeddings_can_be_compared_with_old_ones():
    """Verification of v2 against v1, which nobody may touch."""
    x, y = photos(144, seed=1)
    held_out, labels = photos(96, seed=2)
    old, new = network(1, "v1"), network(2, "v2")
    old.compile(keras.optimizers.Adam(0.01), loss=TripletLoss())
    old.fit(x, y, batch_size=72, epochs=30, verbose=0)
    new.compile(keras.optimizers.Adam(0.01), loss=TripletLoss())
    new.fit(x, y, batch_size=72, epochs=30, verbose=0)
    embed = {
        "v1": old.predict(held_out, verbose=0),
        "v2": new.predict(held_out, verbose=0),
    }
    alone = verification(embed["v2"], embed["v1"], labels)
    old.trainable = False
    kept = old.get_weights()
    image = keras.Input((PIXELS,))
    both = keras.Model(
        image, keras.layers.Concatenate()([new(image), old(image)])
    )
    both.compile(keras.optimizers.Adam(0.01), loss=HarmonicTripletLoss())
    both.fit(x, y, batch_size=72, epochs=30, verbose=0)
    trained = new.predict(held_out, verbose=0)
    harmonic = verification(trained, embed["v1"], labels)
    by_itself = verification(trained, trained, labels)
    # Trained apart, the two have nothing to do with each other.
    assert 0.3 < alone < 0.7
    assert harmonic > 0.9
    assert by_itself > 0.9
    for weight, was in zip(old.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(weight, was)
    assert ops.shape(both.output)[1] == 16
