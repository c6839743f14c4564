import io
import shutil
import zlib

import matplotlib.pyplot as plt
import pytest

from keras_hypersphere.tools.caffe import inspect, to_keras


def test_sums_and_shared_parameters(recording):
    case = recording("siamese_shared_params")
    model = to_keras(case.prototxt, case.caffemodel)
    entries = {entry["name"]: entry for entry in inspect.layers(model)}
    # Weights count where they are first; multiplications wherever they run.
    assert entries["conv_a"]["parameters"] > 0
    assert entries["conv_b"]["parameters"] == 0
    assert (
        entries["conv_a"]["multiply_adds"]
        == entries["conv_b"]["multiply_adds"]
        > 0
    )
    total = sum(entry["parameters"] for entry in entries.values())
    assert total == model.count_params()
    last = inspect.table(inspect.layers(model)).splitlines()[-1].split()
    assert last[:2] == ["total", f"{total:,}"]


def test_blobs_that_are_no_batch(write):
    model = to_keras(
        write(
            'input: "x" input_shape { dim: 1 dim: 3 dim: 4 dim: 5 }\n'
            'layer { name: "p" type: "Parameter" top: "w" '
            "parameter_param { shape { dim: 7 dim: 60 } } }\n"
            'layer { name: "i" type: "InnerProduct" bottom: "x" bottom: "w" '
            'top: "y" inner_product_param { num_output: 7 bias_term: false } }'
        )
    )
    entries = inspect.layers(model)
    assert [entry["tops"] for entry in entries] == [
        {"x": [3, 4, 5]},
        {"w": [7, 60]},
        {"y": [7]},
    ]
    assert entries[2]["bottoms"] == ["x", "w"]
    assert entries[2]["multiply_adds"] == 7 * 60


def test_deconvolution_and_groups_are_counted(write):
    model = to_keras(
        write(
            'input: "x" input_shape { dim: 1 dim: 4 dim: 5 dim: 6 }\n'
            'layer { name: "c" type: "Convolution" bottom: "x" top: "c" '
            "convolution_param { num_output: 8 kernel_h: 3 kernel_w: 1 "
            "group: 2 } }\n"
            'layer { name: "d" type: "Deconvolution" bottom: "c" top: "d" '
            "convolution_param { num_output: 2 kernel_size: 4 stride: 2 } }"
        )
    )
    costs = [entry["multiply_adds"] for entry in inspect.layers(model)]
    # Of each value of the top, or of the bottom.
    assert costs == [0, (8 * 3 * 6) * (2 * 3), (8 * 3 * 6) * (2 * 16)]


needs_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None,
    reason="NOT DRAWN: no `dot` here; install graphviz to test --inspect",
)


@needs_graphviz
def test_draw(sample, tmp_path):
    pytest.importorskip("pydot")
    path = tmp_path / "m.png"
    model = to_keras(*sample)
    assert inspect.draw(model, path) == f"{path}: the network as a picture"
    first = path.read_bytes()
    picture = plt.imread(io.BytesIO(first))
    height, width = picture.shape[:2]
    # The chain of layers stands upright, and there is ink.
    assert height > 1000 > width > 100
    assert picture[..., :3].min() == 0 and picture[..., :3].max() == 1
    # Our mark is a chunk like any other.
    size = len(inspect.MARK)
    chunk = first[-inspect.PNG_END - size - 12 : -inspect.PNG_END]
    assert chunk[:4] == size.to_bytes(4, "big") and chunk[4:8] == b"tEXt"
    assert chunk[-4:] == zlib.crc32(chunk[4:-4]).to_bytes(4, "big")
    # Its own picture is replaced, whole.
    inspect.draw(model, path)
    assert path.read_bytes() == first
    assert [p.name for p in tmp_path.iterdir()] == ["m.png"]


@needs_graphviz
def test_names_that_graphviz_has_words_for(write, tmp_path, capfd):
    pytest.importorskip("pydot")
    path = write(
        'input: "x" input_shape { dim: 1 dim: 3 }\n'
        'layer { name: "a:b <c> {d}" type: "ReLU" bottom: "x" top: "graph" }\n'
        'layer { name: "node" type: "TanH" bottom: "graph" top: "edge" }'
    )
    with pytest.warns(UserWarning, match="cannot compile"):
        model = to_keras(path)
    picture = tmp_path / "m.png"
    line = inspect.draw(model, picture)
    assert line.count("\n") == 0
    # A picture, or a word on why not; never an error, or noise on stdout.
    assert picture.exists() != line.startswith("no picture: ")
    assert capfd.readouterr().out == ""


def test_another_picture_is_kept(sample, tmp_path):
    model = to_keras(*sample)
    for name, content in (("a.png", b"\x89PNG precious"), ("b.png", b"")):
        path = tmp_path / name
        path.write_bytes(content)
        assert "was not drawn here; move it" in inspect.draw(model, path)
        assert path.read_bytes() == content
    (tmp_path / "c.png").mkdir()
    assert "move it" in inspect.draw(model, tmp_path / "c.png")
    (tmp_path / "d.png").symlink_to("nowhere")
    assert "move it" in inspect.draw(model, tmp_path / "d.png")


def test_without_graphviz(sample, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    line = inspect.draw(to_keras(*sample), tmp_path / "m.png")
    assert line.startswith("no picture: ") and "\n" not in line
    assert list(tmp_path.iterdir()) == []
