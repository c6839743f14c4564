"""Damaged files: our errors, or a model; never anything else."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    read_caffemodel,
    read_prototxt,
)
from keras_hypersphere.caffe_format.layer_blobs import Caffemodel
from keras_hypersphere.tools.caffe import UnsupportedLayerError, to_keras
from keras_hypersphere.tools.caffe.building.weights import Weights
from tests.fuzz.worker import run_case

OURS = (CaffeFormatError, UnsupportedLayerError)


def blobs(path):
    """What `to_keras` does with the bytes, without building Keras layers."""
    weights = Weights(Caffemodel(path))
    for name, stored in weights.layers.items():
        shapes = [blob.shape for blob in stored]
        weights.find(name, "", shapes)


def test_truncated_and_flipped_models(sample, tmp_path):
    content = sample[1].read_bytes()
    path = tmp_path / "m.caffemodel"
    random = np.random.default_rng(0)
    refused = 0
    # Headers are few bytes among many weights: cut and flip there too.
    ends = [*range(0, 200, 7), *random.integers(0, len(content), 60)]
    for end in ends:
        path.write_bytes(content[:end])
        try:
            blobs(path)
        except OURS as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > len(ends) * 0.9
    refused = 0
    for trial in range(200):
        damaged = bytearray(content)
        reach = 60 if trial % 2 else len(content)
        for place in random.integers(0, reach, 1 + trial % 4):
            damaged[place] ^= 1 << random.integers(8)
        path.write_bytes(damaged)
        try:
            blobs(path)
        except OURS as error:
            refused += 1
            assert str(path) in str(error)
    assert refused > 50, refused


@pytest.mark.parametrize(
    "name", ["legacy_v0", "model_hdf5", "v2_prototxt_v1_model"]
)
def test_truncation_at_any_byte(name, recording, tmp_path):
    """protobuf has no end mark: cut between layers, a file is whole."""
    content = recording(name).caffemodel.read_bytes()
    path = tmp_path / "m"
    taken = 0
    for end in range(0, len(content), 7 if name == "model_hdf5" else 1):
        path.write_bytes(content[:end])
        try:
            blobs(path)
            taken += 1
        except OURS as error:
            assert str(path) in str(error)
    assert taken < 20


@pytest.mark.parametrize("number", range(60))
def test_mutated_networks(number, tmp_path):
    """The first of `make fuzz`, of another seed."""
    _, wrong = run_case(number, tmp_path, seed=1)
    assert not wrong


@pytest.mark.everything
def test_many_mutated_networks():
    root = Path(__file__).parents[3]
    words = [sys.executable, "-m", "tests.fuzz", "--cases", "600"]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "600 of 600 cases" in done.stdout


@pytest.mark.filterwarnings("ignore:.*official Caffe does not know")
@pytest.mark.parametrize("read", [read_caffemodel, read_prototxt])
def test_random_bytes(read, tmp_path):
    random = np.random.default_rng(2)
    path = tmp_path / "noise"
    for size in (0, 1, 2, 10, 100, 1000, 5000):
        for _ in range(10):
            path.write_bytes(random.bytes(size))
            with pytest.raises(OURS):
                read(path)


def test_damaged_text(sample, tmp_path):
    content = sample[0].read_bytes()
    path = tmp_path / "net.prototxt"
    random = np.random.default_rng(3)
    for trial in range(150):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 1 + trial % 3):
            damaged[place] = random.integers(1, 256)
        if trial % 3 == 0:
            del damaged[random.integers(len(content)) :]
        path.write_bytes(damaged)
        try:
            read_prototxt(path)
        except OURS as error:
            assert str(path) in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "layer {" * 5000,
        "input: '" + "a" * 100_000,
        "layer { top: [" + "'a'," * 5000,
        "input_dim: 99999999999999999999999",
        "layer { name: '\\xff\\xfe' type: 'ReLU' }",
        "[a.b.c/d.e] { }",
        # What took protobuf's parser, or ours, squared time.
        "layer { name: '" + r"\\" * 400_000 + "' }",
        'layer { name: "' + r"\"" * 900_000,
        "layer { name: '" + r"\'" * 900_000,
        "input_dim: " + "1" * 1_900_000,
        "input_dim: " + "1" * 900_000 + "." + "1" * 900_000,
        "input_dim: 0" + "7" * 1_900_000,
        "input_dim: -" + " " * 1_900_000 + "1",
        # What takes it long because it is much.
        *(
            pytest.param(much, marks=pytest.mark.slow)
            for much in (
                "layer { name: " + "'' " * 600_000 + "}",
                "input_dim: [" + "1, " * 600_000 + "1]",
                "layer { }" * 200_000,
                "layers { }" * 100_000,
                "layer { blobs { data: [" + "1, " * 600_000,
                "layer { " + "blobs { data: 1 } " * 100_000 + "}",
                "layer { blobs { " + "data: 1_0 " * 180_000 + "} }",
            )
        ),
    ],
    ids=lambda text: f"{text[:24]}-{len(text)}",
)
def test_strange_text(text, write):
    path, start = write(text), time.process_time()
    with pytest.raises(CaffeFormatError) as caught:
        to_keras(path)
    assert len(str(caught.value)) < 1000
    assert time.process_time() - start < 5


@pytest.mark.parametrize("quote", ["'", '"'])
def test_backslashes_in_names(quote, write):
    """The longest way to write a name that is legal."""
    name = r"\\" * 20_000 + r"\134\\x41\x41\\\n" + r"\\" * 5
    text = f"layer {{ name: {quote}{name}{quote} 'b' type: 'ReLU' }}"
    start = time.process_time()
    net = read_prototxt(write(text))
    assert time.process_time() - start < 5
    assert net.layer[0].name == (
        "\\" * 20_000 + "\\\\x41A\\\n" + "\\" * 5 + "b"
    )


# Cases of `make fuzz` that once were wrong: a type with a line break in it.
@pytest.mark.parametrize("case", [15209])
def test_what_fuzzing_found(case, tmp_path):
    _, wrong = run_case(case, tmp_path, 0)
    assert not wrong
