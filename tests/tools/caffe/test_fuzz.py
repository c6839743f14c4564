"""Damaged files: our errors, or a model; never anything else."""

import warnings

import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    read_caffemodel,
    read_prototxt,
)
from keras_hypersphere.tools.caffe import UnsupportedLayerError, to_keras
from keras_hypersphere.tools.caffe.weights import Weights

OURS = (CaffeFormatError, UnsupportedLayerError)


def blobs(path):
    """What `to_keras` does with the bytes, without building Keras layers."""
    weights = Weights(path)
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


def test_whole_conversions_of_damaged_models(sample, tmp_path):
    content = sample[1].read_bytes()
    path = tmp_path / "m.caffemodel"
    random = np.random.default_rng(1)
    for _ in range(12):
        damaged = bytearray(content)
        for place in random.integers(0, 300, 3):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            try:
                to_keras(sample[0], path)
            except OURS:
                continue


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
    ],
)
def test_strange_text(text, write):
    with pytest.raises(CaffeFormatError):
        to_keras(write(text))
