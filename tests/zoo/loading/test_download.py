"""Downloads, from a server on this machine."""

import contextlib
import dataclasses
import hashlib
import http.server
import os
import socket
import sys
import threading

import keras
import numpy as np
import pytest

from keras_hypersphere.zoo import LeNetPlusPlus
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading import download
from keras_hypersphere.zoo.loading.preset import load_preset
from keras_hypersphere.zoo.loading.weight_files import find_weights
from keras_hypersphere.zoo.loading.weights import write_arrays

DATA = np.random.default_rng(0).bytes(300_000)
NAME = "remote.npz"


class Server:
    """Serves files, and can do what servers should not.

    Attributes:
        files: What there is, by path.
        asked: The paths that were asked for.
        cut: Bytes after which the connection breaks.
        stall: Set by the test when a server that stops may go on.
        halfway: Called when half of a file was sent.
    """

    def __init__(self):
        self.files, self.asked = {f"/{NAME}": DATA}, []
        self.cut = self.stall = self.halfway = None
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                server.answer(self)

            def log_message(self, *words):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}/{NAME}"

    def answer(self, handler):
        self.asked.append(handler.path)
        data = self.files.get(handler.path)
        if data is None:
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        half = len(data) // 2
        handler.wfile.write(data[: self.cut or half])
        handler.wfile.flush()
        if self.stall is not None:
            self.stall.wait(20)
        if self.halfway is not None:
            self.halfway()
        if self.cut is None:
            # Who is out of patience has left.
            with contextlib.suppress(OSError):
                handler.wfile.write(data[half:])

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return tmp_path / "models" / "keras_hypersphere"


def card_of(url, data=DATA):
    return dataclasses.replace(
        get_card("dlib-resnet"),
        name="remote",
        weights_file=NAME,
        weights_url=url,
        weights_bytes=len(data),
        weights_sha256=hashlib.sha256(data).hexdigest(),
    )


def test_downloads_once(server, cache, capsys):
    card = card_of(server.url)
    path = find_weights(card)
    assert path == cache / NAME and path.read_bytes() == DATA
    assert os.listdir(cache) == [NAME]
    assert find_weights(card) == path
    assert server.asked == [f"/{NAME}"]
    # Standard output is for results.
    assert capsys.readouterr().out == ""


def test_nobody_sees_half_a_file(server, cache):
    seen = []
    server.halfway = lambda: seen.append((cache / NAME).exists())
    find_weights(card_of(server.url))
    assert seen == [False]


def test_two_threads(server, cache):
    found, stdout = [], sys.stdout

    def load():
        found.append(find_weights(card_of(server.url)).read_bytes())

    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA, DATA] and len(server.asked) == 1
    assert os.listdir(cache) == [NAME] and sys.stdout is stdout


def test_another_file_is_not_kept(server, cache):
    card = card_of(server.url, data=b"what the card was written for")
    with pytest.raises(ValueError, match="was not kept: it has 300000 bytes"):
        find_weights(card)
    assert os.listdir(cache) == []
    # The next attempt may succeed.
    server.files[f"/{NAME}"] = b"what the card was written for"
    assert find_weights(card).read_bytes() == server.files[f"/{NAME}"]


def test_a_damaged_file_in_the_cache_is_named(server, cache):
    cache.mkdir(parents=True)
    (cache / NAME).write_bytes(DATA[:-1])
    with pytest.raises(ValueError, match="Delete it and load the model again"):
        find_weights(card_of(server.url))
    assert (cache / NAME).read_bytes() == DATA[:-1] and server.asked == []


def refusal(card, cache):
    """The error, which names all that a user needs."""
    with pytest.raises(FileNotFoundError) as caught:
        find_weights(card)
    text = str(caught.value)
    for word in (card.weights_url, NAME, card.weights_sha256, str(cache)):
        assert word in text
    assert "\n" not in text and os.listdir(cache) == []
    return text


def test_interrupted(server, cache):
    server.cut = 100_000
    assert "100000 out of 300000 bytes" in refusal(card_of(server.url), cache)


def test_gone(server, cache):
    assert "404" in refusal(card_of(server.url + ".old"), cache)


def test_offline(cache):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    card = card_of(f"http://127.0.0.1:{port}/{NAME}")
    assert "refused" in refusal(card, cache)


def test_a_server_that_stops(server, cache, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    server.stall = threading.Event()
    assert "timed out" in refusal(card_of(server.url), cache)
    server.stall.set()


def test_presets_are_downloaded(server, cache, tmp_path):
    """A card of the user's that names an address."""
    model = LeNetPlusPlus(width=1 / 8)
    write_arrays(
        tmp_path / NAME,
        {v.path: keras.ops.convert_to_numpy(v) for v in model.weights},
    )
    server.files[f"/{NAME}"] = data = (tmp_path / NAME).read_bytes()
    cache.mkdir(parents=True)
    card = Card.from_dict(
        {
            **card_of(server.url, data).as_dict(),
            "architecture": "LeNetPlusPlus",
            "arguments": {"width": 1 / 8},
            "input_shape": [28, 28, 1],
            "channels": "gray",
            "mean": [0.0],
            "template": "none",
            "dim": model.output_shape[-1],
            "golden_output": [0.5] * model.output_shape[-1],
        }
    )
    card.save(cache / "remote.json")
    loaded, found = load_preset("remote")
    assert found == card
    image = np.ones((1, 28, 28, 1), "float32")
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(loaded(image)),
        keras.ops.convert_to_numpy(model(image)),
    )
