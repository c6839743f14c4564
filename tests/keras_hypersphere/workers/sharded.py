"""What a training with a sharded head comes to, next to one on one device.

Usage: python -m tests.keras_hypersphere.workers.sharded \
    FOLDER DEVICES AXES HEAD[,HEAD...] [INDEX ADDRESS,ADDRESS...]

DEVICES are those of a process. AXES is 1; or 2: one for the batch and one for
the classes; or "export": the state in FOLDER becomes FOLDER/HEAD.keras. The
first head is stopped, and goes on. Writes FOLDER/HEAD.npz; XLA leaves the
compiled steps in FOLDER/programs-INDEX.
"""

import os
import shutil
import sys
from pathlib import Path

CLASSES, BATCH, DIM = 40, 24, 16
EPOCHS = 3


def main(folder, devices, axes, names, index="0", addresses=""):
    folder, count = Path(folder), max(1, len(addresses.split(",")))
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["XLA_FLAGS"] = (
        f"--xla_force_host_platform_device_count={devices} "
        f"--xla_dump_to={folder}/programs-{index} --xla_dump_hlo_as_text "
        "--xla_dump_hlo_module_re=.*train_step.*"
    )
    import keras

    if count > 1:
        keras.distribution.initialize(addresses, count, int(index))
    else:
        keras.config.disable_traceback_filtering()
    for place, name in enumerate(names.split(",")):
        run(folder, name, axes, count, int(index), resumes=not place)


def run(folder, name, axes, count, index, resumes):
    import keras
    import numpy as np

    import keras_hypersphere as kh

    random = np.random.default_rng(0)
    x = random.normal(size=(2 * BATCH, 12)).astype("float32")
    y = random.integers(0, CLASSES, 2 * BATCH)
    # Both sides of each border of 2 and of 4 parts, in one batch.
    y[:8] = [0, 9, 10, 19, 20, 29, 30, 39]

    def make(classes=CLASSES):
        keras.utils.set_random_seed(0)
        backbone = keras.Sequential(
            [
                keras.Input((12,)),
                keras.layers.Dense(DIM, activation="relu"),
                keras.layers.Dense(DIM),
            ],
            name="backbone",
        )
        head = make_head(kh, name, classes)
        model = kh.models.MarginModel(backbone, head)
        model.compile(keras.optimizers.SGD(0.05, momentum=0.9))
        return model

    def fit(model, x=x, y=y, batch=BATCH, epochs=EPOCHS, callbacks=()):
        given = {"epochs": epochs, "shuffle": False, "verbose": 0}
        made = model.fit(
            x, y, batch_size=batch, callbacks=list(callbacks), **given
        )
        return made.history

    if axes == "export":
        model = make()
        resume = kh.callbacks.ExactResume(folder / f"state of {name}")
        # Nothing is left to train.
        fit(model, callbacks=[resume])
        model.save(folder / f"{name}.keras")
        return
    found = {}
    if count == 1:
        one = make()
        found |= logs("one", fit(one)) | variables("one", one)
    all_devices = keras.distribution.list_devices()
    shape = (len(all_devices),) if axes == "1" else (2, len(all_devices) // 2)
    mesh = keras.distribution.DeviceMesh(
        shape, ["batch", "model"][-len(shape) :], all_devices
    )
    layout = kh.models.sharded_layout(make(len(all_devices)), mesh)
    distribution = keras.distribution.ModelParallel(
        layout_map=layout, auto_shard_dataset=False
    )
    rows = np.arange(2 * BATCH).reshape(-1, count, BATCH // count)[:, index]
    mine = x[rows.ravel()], y[rows.ravel()], BATCH // count
    with distribution.scope():
        model = make()
        history = fit(model, *mine)
        found |= logs("many", history) | variables("many", model)
        kernel = class_weights(model)
        slots = [
            v for v in model.optimizer.variables if v.shape == kernel.shape
        ]
        assert len(slots) == 1, [v.path for v in slots]
        for variable in (kernel, *slots):
            part = variable.value.addressable_shards[0].data.size
            found[f"part {variable.path}"] = part / variable.value.size
        if resumes:
            state = folder / f"state of {name}"
            resume = kh.callbacks.ExactResume(state)
            fit(make(), *mine, epochs=EPOCHS - 1, callbacks=[resume])
            second = make()
            if count == 1:
                shutil.copytree(state, folder / "copy")
            fit(second, *mine, callbacks=[resume])
            found |= variables("resumed", second)
            # In the file itself nothing is as long as the classes, and of the
            # folders one is left.
            with np.load(state / "training-state.npz") as file:
                assert not any(CLASSES in file[n].shape for n in file.files)
            assert [p.name for p in state.glob("shards-*")] == ["shards-3-0"]
    if count > 1 and index:
        return
    if count == 1 and resumes:
        # The state of several devices goes on with one.
        alone = make()
        resume = kh.callbacks.ExactResume(folder / "copy")
        fit(alone, callbacks=[resume])
        found |= variables("alone", alone)
        shutil.copytree(state, folder / "broken")
        shutil.rmtree(folder / "broken" / "shards-3-0")
        resume = kh.callbacks.ExactResume(folder / "broken")
        try:
            fit(make(), callbacks=[resume])
        except ValueError as error:
            assert "shards-3-0" in str(error) and "damaged" in str(error)
        else:
            raise AssertionError("went on without its weights")
    np.savez(folder / f"{name}.npz", **found)


def make_head(kh, name, classes):
    import keras

    layers = kh.layers
    if name == "CosineDense":
        return layers.CosineDense(
            classes, scale=16.0, learn_scale=True, use_bias=True
        )
    if name == "CenterLoss":
        return [
            layers.CenterLoss(classes),
            layers.CosineDense(classes, scale=16.0),
        ]
    if name == "Dense":
        return keras.layers.Dense(classes, name="head")
    return getattr(layers, name)(classes)


def class_weights(model):
    return model.heads[-1].kernel


def variables(name, model):
    """All variables, of the model and then of its optimizer."""
    import numpy as np
    from jax.experimental import multihost_utils

    def whole(value):
        if value.is_fully_addressable or value.is_fully_replicated:
            return np.asarray(value)
        return multihost_utils.process_allgather(value, tiled=True)

    every = [*model.variables, *model.optimizer.variables]
    return {f"{name} {i}": whole(v.value) for i, v in enumerate(every)}


def logs(name, history):
    return {f"{name} log {key}": value for key, value in history.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
