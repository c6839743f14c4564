import hashlib
import zipfile

import keras
import numpy as np
import pytest

from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading import weights
from keras_hypersphere.zoo.loading.weight_files import (
    PACKAGED,
    find_weights,
)
from keras_hypersphere.zoo.loading.weights import (
    load_weights,
    read_arrays,
    set_weights,
    write_arrays,
)

CARD = get_card("dlib-resnet")


def small(name="small"):
    inputs = keras.Input((3,))
    x = keras.layers.Dense(2, name="first")(inputs)
    return keras.Model(
        inputs, keras.layers.Dense(1, name="second")(x), name=name
    )


def values_of(model):
    return {v.path: keras.ops.convert_to_numpy(v) for v in model.weights}


def same(a, b):
    return all(
        np.array_equal(x, y)
        for x, y in zip(a.get_weights(), b.get_weights(), strict=True)
    )


def test_embedded_file_is_the_cards():
    path = find_weights(CARD)
    assert path.parent == PACKAGED
    assert path.stat().st_size == CARD.weights_bytes
    arrays = read_arrays(path)
    assert {a.dtype.name for a in arrays.values()} == {CARD.weights_dtype}
    assert sum(a.size for a in arrays.values()) == CARD.parameters


def test_embedded_file_is_written_again_byte_for_byte(tmp_path):
    path = tmp_path / "again.npz"
    write_arrays(path, read_arrays(find_weights(CARD)))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert digest == CARD.weights_sha256
    assert [p.name for p in tmp_path.iterdir()] == ["again.npz"]


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".keras"])
def test_files_of_the_user(tmp_path, suffix):
    model, other = small(), small("other")
    assert not same(model, other)
    path = tmp_path / f"w{suffix}"
    if suffix == ".npz":
        write_arrays(path, values_of(model))
    elif suffix == ".keras":
        model.save(path)
    else:
        model.save_weights(path)
    load_weights(other, path)
    assert same(model, other)


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".keras"])
def test_files_of_another_network(tmp_path, suffix):
    inputs = keras.Input((4,))
    x = keras.layers.Dense(2, name="first")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="second")(x))
    path = tmp_path / f"w{suffix}"
    if suffix == ".npz":
        write_arrays(path, values_of(model))
    elif suffix == ".keras":
        model.save(path)
    else:
        model.save_weights(path)
    target = small()
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"w\.\S+' does not") as error:
        load_weights(target, path)
    assert "\n" not in str(error.value)
    assert all(map(np.array_equal, before, target.get_weights()))


def test_h5_file_with_too_few_layers(tmp_path):
    inputs = keras.Input((3,))
    part = keras.Model(inputs, keras.layers.Dense(2, name="first")(inputs))
    path = tmp_path / "part.weights.h5"
    part.save_weights(path)
    target = small()
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"part\.weights\.h5' does not"):
        load_weights(target, path)
    assert all(map(np.array_equal, before, target.get_weights()))


@pytest.mark.parametrize("suffix", [".npz", ".weights.h5", ".keras"])
def test_damaged_and_missing_files(tmp_path, suffix):
    path = tmp_path / f"w{suffix}"
    with pytest.raises(FileNotFoundError, match=f"no weights file '{path}'"):
        load_weights(small(), path)
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match=r"w\.\S+' ") as error:
        load_weights(small(), path)
    assert "\n" not in str(error.value)


def test_truncated_npz(tmp_path):
    path = tmp_path / "w.npz"
    write_arrays(path, values_of(small()))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"not a readable \.npz"):
        load_weights(small(), path)


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "w.npz"
    np.savez(path, **{"first/kernel": np.array([{}], object)})
    with pytest.raises(ValueError, match=r"not a readable \.npz"):
        load_weights(small(), path)


def test_every_weight_must_be_there():
    model = small()
    values = values_of(model)
    del values["second/bias"]
    values["third/bias"] = np.zeros(1)
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r"'x' .*lacks second/bias; the model lacks third/bias"
    ):
        set_weights(model, values, origin="x")
    values = {**values_of(model), "second/kernel": np.zeros((3, 1))}
    with pytest.raises(ValueError, match=r"second/kernel .*\(3, 1\), \(2, 1\)"):
        set_weights(model, values, origin="x")
    assert all(map(np.array_equal, before, model.get_weights()))


def test_long_lists_are_shortened():
    assert weights.first_of([]) == "nothing"
    assert weights.first_of(list("abcde")) == "a, b, c and 2 more"


def test_equal_arrays_give_equal_bytes_without_a_date(tmp_path):
    arrays = {"a/b": np.arange(6.0).reshape(2, 3).T, "c": np.float16([1])}
    for name in ("1.npz", "2.npz"):
        write_arrays(tmp_path / name, arrays)
    first, second = (tmp_path / n for n in ("1.npz", "2.npz"))
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert {i.date_time[0] for i in archive.infolist()} == {1980}
    read = read_arrays(first)
    assert list(read) == ["a/b", "c"]
    np.testing.assert_array_equal(read["a/b"], arrays["a/b"])
