"""Training that goes on at a later epoch, with the batches of that epoch."""

import contextlib
import warnings

import keras
import numpy as np
import pytest

from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.data.balanced_dataset import balanced_dataset
from keras_hypersphere.data.labels_as_input import labels_as_input
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss

LABELS = np.random.default_rng(0).permutation(np.repeat(np.arange(12), 9))
IMAGES = np.random.default_rng(1).random((len(LABELS), 3), "float32")
OPTIONS = dict(
    labels=LABELS,
    classes_per_batch=4,
    samples_per_class=3,
    load=IMAGES,
    seed=0,
)


def network():
    """XLA only where it is what makes it fast."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(
        keras.optimizers.Adam(0.01),
        PairContrastiveLoss(),
        jit_compile=keras.config.backend() == "jax",
    )
    return model


class Stop(keras.callbacks.Callback):
    """Breaks a training off where an epoch begins."""

    def __init__(self, epoch):
        super().__init__()
        self.last = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.last:
            raise KeyboardInterrupt


def trained(batches, callbacks, epochs=4, data=None, **options):
    """Weights after a training that may be broken off."""
    keras.utils.set_random_seed(3)
    model = network()
    callbacks = [*callbacks, batches.follow()]
    data = batches if data is None else data
    with contextlib.suppress(KeyboardInterrupt):
        model.fit(
            data, epochs=epochs, callbacks=callbacks, verbose=0, **options
        )
    return model.get_weights()


def plain(**options):
    batches = BalancedBatches(**OPTIONS, **options)
    return batches, batches


def tf_data(repeated=False):
    pytest.importorskip("tensorflow")
    dataset = balanced_dataset(**OPTIONS)
    return dataset, dataset.repeat() if repeated else dataset


@pytest.mark.parametrize(
    ("make", "options"),
    [
        pytest.param(plain, {}, marks=pytest.mark.slow),
        # Steps that end within an epoch of the plan.
        (plain, {"steps_per_epoch": 3}),
        # Keras on JAX and PyTorch takes a batch before it knows the epoch.
        (lambda: plain(workers=3, max_queue_size=2), {}),
        pytest.param(tf_data, {}, marks=pytest.mark.slow),
        pytest.param(
            lambda: tf_data(repeated=True),
            {"steps_per_epoch": 4},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_weights_of_an_unbroken_training(make, options, tmp_path):
    batches, data = make()
    whole = trained(batches, [], data=data, **options)
    for epoch in (2, None):
        batches, data = make()
        backup = keras.callbacks.BackupAndRestore(tmp_path)
        rest = trained(batches, [backup, Stop(epoch)], data=data, **options)
    for ours, theirs in zip(rest, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_initial_epoch_and_the_order_of_the_plan():
    """Every epoch is that of `fit`, in order, though `fit` shuffles."""
    seen = []

    def load(indices):
        seen.append(tuple(indices.tolist()))
        return IMAGES[indices]

    batches = BalancedBatches(**{**OPTIONS, "load": load})
    for _ in range(2):
        trained(batches, [], epochs=5, initial_epoch=3)
        expected = [
            tuple(batches.indices(e, i)) for e in (3, 4) for i in range(9)
        ]
        assert seen[-18:] == expected
    assert batches.epoch == 5
    # Without a callback it goes on counting.
    network().fit(batches, verbose=0)
    assert set(seen[-9:]) == {tuple(batches.indices(5, i)) for i in range(9)}


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="JAX's threads do not survive fork")
def test_processes_make_the_same_batches():
    batches, _ = plain(workers=2, use_multiprocessing=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = trained(batches, [], epochs=2)
    theirs = trained(plain()[0], [], epochs=2)
    assert batches.epoch == 2
    np.testing.assert_array_equal(ours[0], theirs[0])


@pytest.mark.parametrize("make", [plain, tf_data])
def test_batches_that_restart_are_told(make):
    _, data = make()
    model = network()
    options = {"initial_epoch": 3, "epochs": 5, "verbose": 0}
    with pytest.warns(
        UserWarning, match=r"at epoch 3.*Add `\.follow\(\)`"
    ) as all:
        model.fit(data, **options)
    assert sum("follow()" in str(w.message) for w in all) == 1
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="`fit` goes on")
        # They go on with it, follow it, or begin where it does.
        model.fit(data, **{**options, "initial_epoch": 5, "epochs": 6})
        batches, data = make()
        model.fit(data, callbacks=[batches.follow()], **options)
        model.fit(make()[1], verbose=0)
        # Where validation begins is no matter.
        model.fit(
            data,
            callbacks=[batches.follow()],
            validation_data=make()[1],
            **options,
        )


def test_follows_through_labels_as_input():
    batches = BalancedBatches(**OPTIONS)
    routed = labels_as_input(batches)
    batches.follow().go_to(3 * 9)
    routed.on_epoch_begin()
    inputs, _ = routed[8]
    np.testing.assert_array_equal(
        inputs["image"], IMAGES[batches.indices(3, 0)]
    )
