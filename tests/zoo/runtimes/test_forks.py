"""A fork of a process that has computed: an error instead of a hang."""

import multiprocessing
import os

import numpy as np
import pytest

from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.runtimes import forks

CROPS = np.zeros((1, 112, 112, 3), np.uint8)


def embed_in_child(runtime, queue):
    try:
        embedder = FaceEmbedder.from_preset("sface", runtime=runtime)
        queue.put(embedder.embed_aligned(CROPS).shape)
    except RuntimeError as error:
        queue.put(str(error))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("runtime", ["keras", "opencv"])
def test_a_fork_is_told(runtime, monkeypatch):
    monkeypatch.setattr(forks, "THREADED", ("numpy", "no_such_library"))
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=embed_in_child, args=(runtime, queue))
    child.start()
    try:
        found = queue.get(timeout=60)
    finally:
        child.join(5)
        child.kill()
    if runtime == "opencv":
        assert found == (1, 128)
    else:
        assert found.startswith("This process was forked after numpy had been")
        assert "`runtime='opencv'`" in found
    assert forks.FORKED_WITH == []
