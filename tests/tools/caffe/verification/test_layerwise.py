"""Each layer against its reference, where whole networks say little."""

import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import CaffeNetwork
from keras_hypersphere.tools.caffe.verification.layerwise import LayerWise

WIDTH, DEPTH = 8, 40
INPUT = f'input: "x" input_shape {{ dim: 2 dim: {WIDTH} }}\n'


def deep(function):
    """Products in a row, with a function behind each."""
    lines, bottom = [INPUT], "x"
    for number in range(DEPTH):
        lines.append(
            f'layer {{ name: "fc{number}" type: "InnerProduct" bottom: '
            f'"{bottom}" top: "fc{number}" inner_product_param {{ num_output: '
            f"{WIDTH} bias_term: false }} }}\n"
            f'layer {{ name: "f{number}" {function} bottom: "fc{number}" top: '
            f'"f{number}" }}\n'
        )
        bottom = f"f{number}"
    return "".join(lines)


def weights(folder, gain):
    random = np.random.default_rng(3)
    net = NetParameter()
    for number in range(DEPTH):
        layer = net.layer.add(name=f"fc{number}", type="InnerProduct")
        values = random.standard_normal((WIDTH, WIDTH)) * gain / WIDTH**0.5
        set_blob(layer.blobs.add(), values.astype("f4"))
    path = folder / "deep.caffemodel"
    write_caffemodel(net, path)
    return path


LEAKY = 'type: "ReLU" relu_param { negative_slope: 0.5 }'
GAINS = {"vanishing": 0.2, "exploding": 4.0}


def chaos():
    """x → 1 - 2 x², which doubles each difference, again and again."""
    lines, bottom = [INPUT], "x"
    for number in range(DEPTH):
        lines.append(
            f'layer {{ name: "s{number}" type: "Power" bottom: "{bottom}" '
            f'top: "s{number}" power_param {{ power: 2 }} }}\n'
            f'layer {{ name: "f{number}" type: "Power" bottom: "s{number}" '
            f'top: "f{number}" power_param {{ scale: -2 shift: 1 }} }}\n'
        )
        bottom = f"f{number}"
    return "".join(lines)


def without_opencv(monkeypatch):
    from keras_hypersphere.tools.caffe.verification import oracles

    def unavailable(*_):
        raise oracles.OracleUnavailable("not asked")

    monkeypatch.setattr(oracles, "run_opencv", unavailable)


def judged(text, wrong, late, write, caffemodel=None):
    """A right model passes; of a wrong one just the layer is named."""
    network = CaffeNetwork.read(write(text), caffemodel)
    report = network.verify(network.to_keras())
    assert report.passed and len(report.rows) == 2 * DEPTH
    assert all(row.relative < 1e-5 for row in report.rows)
    assert wrong != text
    other = CaffeNetwork.read(write(wrong, "wrong.prototxt"), caffemodel)
    report = network.verify(other.to_keras())
    assert [row.layer for row in report.rows if row.status != "ok"] == [late]


@pytest.mark.parametrize("kind", GAINS)
def test_deep_networks(kind, write, tmp_path, monkeypatch):
    """Activations of 1e-30 and 1e20; a wrong slope late in the network."""
    without_opencv(monkeypatch)
    text, late = deep(LEAKY), f"f{DEPTH - 3}"
    right = f'name: "{late}" {LEAKY}'
    wrong = text.replace(right, right.replace("0.5", "0.501"))
    judged(text, wrong, late, write, weights(tmp_path, GAINS[kind]))


def test_a_chaotic_network(write, monkeypatch):
    """A float64 run of the whole network would call a right model wrong."""
    without_opencv(monkeypatch)
    network = CaffeNetwork.read(write(chaos()))
    x = np.random.default_rng(0).uniform(-1, 1, (2, WIDTH)).astype("f4")
    last = f"f{DEPTH - 1}"
    made = keras.ops.convert_to_numpy(network.to_keras()(x))
    assert abs(made - network.run({"x": x})[last]).max() > 0.1
    late = f"f{DEPTH - 3}"
    at = chaos().index(f'name: "{late}"')
    wrong = chaos()[:at] + chaos()[at:].replace("shift: 1 ", "shift: 1.01 ", 1)
    judged(chaos(), wrong, late, write)


def of(network, feed, mine):
    """The judge of values by blob name."""
    graph = network.graph
    numbers = {name: number for number, name in enumerate(graph.values)}
    values = {numbers[name]: np.asarray(v, "f4") for name, v in mine.items()}
    judge = LayerWise(graph, lambda node: None, feed, values)
    return judge, numbers


ELTWISE = (
    'input: "a" input_shape { dim: 1 dim: 4 } input: "b" input_shape { dim: 1 '
    'dim: 4 } layer { name: "d" type: "Eltwise" bottom: "a" bottom: "b" top: '
    '"d" eltwise_param { coeff: 1 coeff: -1 } }'
)


def test_rounding_of_a_difference_of_large_numbers(write):
    a = np.float32([[1e4 + 0.3, 1e4 + 0.7, 1.3, 5.0]])
    b = np.float32([[1e4 - 0.2, 1e4 + 0.1, 1.1, 3.0]])
    network = CaffeNetwork.read(write(ELTWISE))
    feed = {"a": a, "b": b}
    judge, numbers = of(network, feed, feed)
    allowed = judge.rounding(numbers["d"])
    # About a rounding of 1e4, and of 1; whole numbers are held exactly.
    assert (allowed[0, :2] > 1e-3).all() and (allowed[0, :2] < 0.3).all()
    assert 1e-8 < allowed[0, 2] < 1e-4
    assert allowed[0, 3] == 0


def test_what_rounding_decides_is_unchecked_and_never_a_pass(write):
    """Nearly equal numbers of 1e6, whose difference no float32 knows."""
    a = np.float32(1e6) + np.float32([[0.25, 0.5, 0.75, 0.125]])
    network = CaffeNetwork.read(write(ELTWISE))
    feed = {"a": a, "b": a - np.float32(0.0625)}
    judge, numbers = of(network, feed, feed)
    name = ("d", "Eltwise", "d")
    right = judge.judge(name, numbers["d"], a - feed["b"])
    assert right.status == "ok"
    row = judge.judge(name, numbers["d"], np.full((1, 4), 0.5, "f4"))
    assert row.status == "unchecked" and "rounding decides" in row.reason


def test_a_fault_is_not_rounding(write):
    a, b = np.float32([[1, 2, 3.5, 4]]), np.float32([[0.3, 0.1, 0.2, 0.4]])
    network = CaffeNetwork.read(write(ELTWISE))
    judge, numbers = of(network, {"a": a, "b": b}, {"a": a, "b": b})
    row = judge.judge(("d", "Eltwise", "d"), numbers["d"], (a - b) * 1.001)
    assert row.status == "differs"


def test_numbers_beyond_float32_are_unchecked(write):
    """e^100 is infinite in float32, and the reference has it."""
    text = (
        'input: "a" input_shape { dim: 1 dim: 3 } layer { name: "e" type: '
        '"Exp" bottom: "a" top: "e" }'
    )
    network = CaffeNetwork.read(write(text))
    a = np.float32([[1, 2, 100]])
    judge, numbers = of(network, {"a": a}, {"a": a})
    with np.errstate(over="ignore"):
        row = judge.judge(("e", "Exp", "e"), numbers["e"], np.exp(a))
        assert row.status == "ok"
        wrong = judge.judge(("e", "Exp", "e"), numbers["e"], np.exp(a + 90))
    assert wrong.status == "unchecked" and "float32" in wrong.reason


TIES = {
    "ArgMax": 'type: "ArgMax" argmax_param { axis: 1 }',
    "top_k": 'type: "ArgMax" argmax_param { axis: 1 top_k: 2 }',
    "Pooling": 'type: "Pooling" pooling_param { kernel_size: 2 stride: 2 }',
    "Threshold": 'type: "Threshold" threshold_param { threshold: 1 }',
}


@pytest.mark.parametrize("kind", TIES)
def test_equal_numbers(kind, write):
    text = (
        'input: "x" input_shape { dim: 2 dim: 4 dim: 4 dim: 4 } layer { name: '
        f'"t" {TIES[kind]} bottom: "x" top: "t" }}'
    )
    network = CaffeNetwork.read(write(text))
    random = np.random.default_rng(0)
    x = random.integers(0, 3, (2, 4, 4, 4)).astype("f4")
    assert network.verify(network.to_keras(), inputs={"x": x}).passed
