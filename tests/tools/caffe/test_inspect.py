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
    last = inspect.table(model).splitlines()[-1].split()
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


def test_draw(sample, tmp_path):
    path = tmp_path / "m.png"
    line = inspect.draw(to_keras(*sample), path)
    assert "\n" not in line
    try:
        import pydot

        pydot.Dot.create(pydot.Dot())
    except (ImportError, OSError):
        assert line.startswith("no picture: ")
        assert not path.exists()
        pytest.skip("no graphviz")
    assert path.stat().st_size > 10_000
