"""Engines that read the file of the packaged model, without Keras."""

import importlib
import multiprocessing
import os
import subprocess
import sys
import threading

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import BulkEmbedder, FaceEmbedder, get_card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.runtimes import runtime as runtimes

LIBRARIES = {"opencv": "cv2", "onnx": "onnxruntime", "openvino": "openvino"}
CARD = get_card("sface")
CROPS = np.random.default_rng(0).integers(0, 256, (3, 112, 112, 3), np.uint8)


def need(runtime):
    """Skips, or fails where all must be installed."""
    try:
        importlib.import_module(LIBRARIES[runtime])
    except ImportError as error:
        if os.environ.get("REQUIRE_RUNTIMES") == "1":
            raise
        pytest.skip(f"{error}; `make test-runtime` runs this test")


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def embedder():
    return FaceEmbedder.from_preset("sface", runtime="opencv")


@pytest.fixture(scope="module")
def in_keras():
    return FaceEmbedder.from_preset("sface", runtime="keras")


@pytest.mark.parametrize("runtime", LIBRARIES)
def test_the_embeddings_are_those_of_the_card_and_of_keras(runtime, in_keras):
    need(runtime)
    embedder = FaceEmbedder.from_preset("sface", runtime=runtime)
    golden = embedder.embed_aligned(golden_crop(CARD))
    np.testing.assert_allclose(
        unit(golden), unit(np.array(CARD.golden_output)), atol=1e-5
    )
    found = embedder.embed_aligned(CROPS)
    assert found.dtype == np.float32 and embedder.engine == runtime
    np.testing.assert_allclose(
        unit(found), unit(in_keras.embed_aligned(CROPS)), atol=1e-5
    )


def test_a_row_does_not_depend_on_the_others(embedder):
    rows = embedder.embed_aligned(CROPS)
    for crop, row in zip(CROPS, rows, strict=True):
        np.testing.assert_array_equal(embedder.embed_aligned(crop), row)
    np.testing.assert_array_equal(
        embedder.embed_aligned(CROPS, batch_size=2), rows
    )


def test_threads_may_share_it(embedder):
    wanted = embedder.embed_aligned(CROPS)
    found = {}

    def work(place):
        found[place] = embedder.embed_aligned(CROPS[place % 3])

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, row in found.items():
        np.testing.assert_array_equal(row, wanted[place % 3])


def test_auto_reads_the_file(monkeypatch):
    embedder = FaceEmbedder.from_preset("sface")
    rows = embedder.embed_aligned(CROPS[:1])
    assert embedder.engine == "opencv"
    # The fastest that is there, for all photos of a long run.
    installed = {"openvino"}
    monkeypatch.setattr(runtimes, "has", lambda name: name in installed)
    names = []
    monkeypatch.setattr(
        embedder._runtime,
        "engine",
        lambda name: names.append(name) or embedder._runtime.engines["opencv"],
    )
    for count in (None, 1, runtimes.MANY - 1, runtimes.MANY):
        embedder._runtime.start(count)
    installed.remove("openvino")
    embedder._runtime.start(runtimes.MANY)
    assert names == ["opencv", "opencv", "opencv", "openvino", "opencv"]
    assert rows.shape == (1, 128)


@pytest.mark.parametrize("runtime", ["opencv", "onnx", "openvino"])
def test_rows_do_not_depend_on_the_batch_of_an_engine(runtime):
    """`auto` computes parts of many photos in what is fastest for many."""
    need(runtime)
    files = [cv2.imencode(".png", crop[:, :, ::-1])[1] for crop in CROPS]
    embed = BulkEmbedder(runtime=runtime, aligned=True)
    together, apart = (
        np.float32([row for part in parts for row in embed(part)["embedding"]])
        for parts in (
            [{"bytes": [file.tobytes() for file in files]}],
            [{"bytes": [file.tobytes()]} for file in files],
        )
    )
    np.testing.assert_array_equal(together, apart)
    wanted = FaceEmbedder.from_preset("sface", runtime=runtime)
    np.testing.assert_array_equal(together, wanted.embed_aligned(CROPS))
    if runtime == "openvino":
        many = BulkEmbedder(aligned=True)
        part = many({"bytes": [files[0].tobytes()]})
        assert many.embedder.engine == "openvino"
        np.testing.assert_array_equal(part["embedding"][0], together[0])


@pytest.mark.slow
def test_training_leaves_the_file(tmp_path):
    """`auto` goes on in Keras; what computes the file alone says so."""
    auto = FaceEmbedder.from_preset("sface")
    before = auto.embed_aligned(CROPS)
    auto.model  # noqa: B018
    np.testing.assert_array_equal(auto.embed_aligned(CROPS), before)
    assert auto.engine == "opencv"
    opencv = FaceEmbedder.from_preset("sface", runtime="opencv")
    opencv.embed_aligned(CROPS[0])
    for embedder in (auto, opencv):
        weight = embedder.model.trainable_variables[0]
        weight.assign(weight * 1.1)
    after = auto.embed_aligned(CROPS)
    assert auto.engine == "keras" and np.abs(after - before).max() > 0.01
    with pytest.raises(
        ValueError, match=r"`runtime='opencv'` computes.*'auto'"
    ):
        opencv.embed_aligned(CROPS[0])
    card = auto.save_to_preset(tmp_path / "trained")
    assert card.threshold == 0.0
    again = FaceEmbedder.from_preset(tmp_path / "trained")
    np.testing.assert_allclose(
        again.embed_aligned(CROPS), after, rtol=1e-4, atol=1e-4
    )
    with pytest.raises(ValueError, match=r"come as an \.onnx file"):
        FaceEmbedder.from_preset(tmp_path / "trained", runtime="opencv")


def test_photos_become_decisions_without_keras():
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from keras_hypersphere import zoo\n"
        "folder = Path(zoo.__file__).parent / 'samples'\n"
        "photos = sorted(folder.glob('*.[jp]*g'))\n"
        "embedder = zoo.FaceEmbedder.from_preset('sface')\n"
        "print(embedder.verify(*photos).same)\n"
        "heavy = {'keras', 'tensorflow', 'jax', 'torch', 'sklearn', 'scipy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["False", "[]"], done.stderr


def embed_in_child(embedder, queue):
    queue.put(embedder.embed_aligned(CROPS[0]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_worker_embeds_too(embedder):
    wanted = embedder.embed_aligned(CROPS[0])
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=embed_in_child, args=(embedder, queue))
    child.start()
    try:
        found = queue.get(timeout=60)
    finally:
        child.join(5)
        child.kill()
    np.testing.assert_array_equal(found, wanted)
