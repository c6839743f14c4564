"""Files that ask for more than anybody has."""

import resource
import sys
import time

import keras
import pytest

from keras_hypersphere.caffe_format import NetParameter, write_caffemodel
from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
    to_keras,
    verify,
)
from keras_hypersphere.tools.caffe.names import Names

OURS = (CaffeFormatError, UnsupportedLayerError)
HUGE = 2**32 - 1
INPUT = 'input: "data" input_shape { dim: 1 dim: 3 dim: 16 dim: 16 } '


def layer(type, settings, bottoms='bottom: "data"'):
    return f'layer {{ name: "a" type: "{type}" {bottoms} top: "y" {settings} }}'


def convolution(settings):
    return layer("Convolution", f"convolution_param {{ {settings} }}")


def pooling(settings):
    return layer("Pooling", f"pooling_param {{ {settings} }}")


SETTINGS = {
    "filters": convolution(f"num_output: {HUGE} kernel_size: 1"),
    "many filters": convolution("num_output: 700000000 kernel_size: 1"),
    "kernel": convolution(
        "num_output: 1 kernel_size: 1000000000 pad: 1000000000"
    ),
    "pad": convolution(f"num_output: 1 kernel_size: 1 pad: {HUGE}"),
    "groups": convolution(f"num_output: {HUGE} group: {HUGE} kernel_size: 1"),
    "units": layer(
        "InnerProduct", "inner_product_param { num_output: 2147483647 }"
    ),
    "some units": layer(
        "InnerProduct", "inner_product_param { num_output: 1000000 }"
    ),
    "window": pooling("pool: AVE kernel_size: 2000000000 pad: 1999999999"),
    "tiles": layer("Tile", "tile_param { tiles: 2147483647 }"),
    "order": layer("Permute", f"permute_param {{ order: {HUGE} }}"),
    "reshape": layer("Reshape", "reshape_param { shape { dim: 1000000007 } }"),
    "parameter": layer(
        "Parameter", "parameter_param { shape { dim: 4000000000 } }", ""
    ),
    "embedding": layer(
        "Embed", f"embed_param {{ num_output: {HUGE} input_dim: {HUGE} }}"
    ),
    "pyramid": layer("SPP", f"spp_param {{ pyramid_height: {HUGE} }}"),
    "bilinear": layer(
        "Deconvolution",
        "convolution_param { num_output: 3 group: 3 kernel_size: 10000 "
        'weight_filler { type: "bilinear" } }',
    ),
    "unknown": layer("Nonsense", ""),
    "cycle": 'layer { name: "a" type: "ReLU" bottom: "y" top: "z" } '
    'layer { name: "b" type: "ReLU" bottom: "z" top: "y" }',
    "itself": 'layer { name: "a" type: "ReLU" bottom: "y" top: "y" }',
}


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", SETTINGS)
def test_refused_before_memory_is_taken(name, write):
    path = write(INPUT + SETTINGS[name])
    before = peak()
    with pytest.raises(OURS) as caught:
        to_keras(path)
    assert caught.value.layer == "a" and caught.value.file == path
    assert peak() - before < 100 * 10**6


@pytest.mark.parametrize(
    "size", [2**31, 2**40, 2**63 - 1, 0, -1, -(2**63), 50_000]
)
def test_inputs(size, write):
    path = write(
        f'input: "data" input_shape {{ dim: 1 dim: 3 dim: {size} dim: {size} }}'
        + layer("ReLU", "")
    )
    with pytest.raises(CaffeFormatError, match="layer 'input'"):
        to_keras(path)


@pytest.mark.slow
def test_fillers_of_many_layers_together(write):
    text = 'input: "data" input_shape { dim: 1 dim: 100000000 } '
    for name in "ab":
        text += (
            f'layer {{ name: "{name}" type: "InnerProduct" bottom: "data" '
            f'top: "{name}" inner_product_param {{ num_output: 1 '
            "bias_term: false } }"
        )
    with pytest.raises(CaffeFormatError, match=r"layer 'b'.*no file holds"):
        to_keras(write(text))


def test_more_layers_in_a_row_than_keras_follows(write):
    text = INPUT
    for number in range(1200):
        bottom = f"t{number - 1}" if number else "data"
        text += (
            f'layer {{ name: "r{number}" type: "ReLU" bottom: "{bottom}" '
            f'top: "t{number}" }}\n'
        )
    limit = sys.getrecursionlimit()
    try:
        with pytest.warns(UserWarning, match=r"setrecursionlimit\(3000\)"):
            model = to_keras(write(text))
        assert len(model.layers) == 1201
        assert sys.getrecursionlimit() == 3000
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.slow
def test_a_deep_network_is_saved_loaded_and_verified(write, tmp_path):
    """As deep as SE-ResNet-152, in a process that knows nothing of it."""
    text, last = INPUT, "data"
    for number in range(300):
        name = f"s{number}"
        text += relu(f"{name}r", last, f"{name}r")
        text += (
            f'layer {{ name: "{name}p" type: "Power" bottom: "{name}r" '
            f'top: "{name}p" power_param {{ scale: 0.999 }} }}\n'
            f'layer {{ name: "{name}s" type: "Scale" bottom: "{name}p" '
            f'top: "{name}s" }}\n'
            f'layer {{ name: "{name}e" type: "Eltwise" bottom: "{name}s" '
            f'bottom: "{last}" top: "{name}e" eltwise_param {{ coeff: 0.5 '
            "coeff: 0.5 } }\n"
        )
        last = f"{name}e"
    path, file = write(text), tmp_path / "deep.keras"
    limit = sys.getrecursionlimit()
    try:
        with pytest.warns(UserWarning, match="more layers in a row"):
            to_keras(path).save(file)
        sys.setrecursionlimit(limit)
        with pytest.raises(RecursionError):
            keras.models.load_model(file)
        with pytest.warns(UserWarning, match=r"deep\.keras: .*3000"):
            report = verify(file, path)
    finally:
        sys.setrecursionlimit(limit)
    assert report.passed, report.summary()


def relu(name, bottom, top):
    return (
        f'layer {{ name: "{name}" type: "ReLU" bottom: "{bottom}" '
        f'top: "{top}" }}\n'
    )


ROW = 'bottom: "data" '
MANY = {
    "in a row": (4900, UnsupportedLayerError, "setrecursionlimit"),
    "side by side": (15_000, CaffeFormatError, "15001 layers; 5000"),
    "empty": (90_000, CaffeFormatError, "90001 layers; 5000"),
    "tops": (20_000, CaffeFormatError, "20000 bottoms or tops in a layer"),
    "bottoms": (20_000, CaffeFormatError, "20000 bottoms or tops in a layer"),
    "blobs": (12, CaffeFormatError, "12001 bottoms or tops; 10000"),
    "inputs": (2000, CaffeFormatError, "2001 inputs; 1000"),
}


@pytest.mark.parametrize("name", MANY)
def test_more_than_any_network_has(name, write):
    count, error, words = MANY[name]
    tops = "".join(f'top: "t{index}" ' for index in range(count))
    text = {
        "in a row": lambda: relu("", "data", "data") * count,
        "side by side": lambda: "".join(
            relu(f"r{index}", "data", f"t{index}") for index in range(count)
        ),
        "empty": lambda: "layer{}" * count,
        "tops": lambda: f'layer {{ type: "Slice" {ROW} {tops} }}',
        "bottoms": lambda: f'layer {{ type: "Concat" {ROW * count} top: "y" }}',
        "blobs": lambda: "".join(
            f'layer {{ type: "Concat" {ROW * 1000} top: "t{index}" }}'
            for index in range(count)
        ),
        "inputs": lambda: "".join(
            f'layer {{ type: "Input" top: "t{index}" }}'
            for index in range(count)
        ),
    }[name]()
    path, before, start = write(INPUT + text), peak(), time.process_time()
    with pytest.raises(error, match=words):
        to_keras(path)
    assert time.process_time() - start < 5
    assert peak() - before < 300 * 10**6


def test_shortcuts_make_a_network_less_deep(write):
    """Keras goes the way of the shortcut, and takes what is longer."""
    text, bottom = INPUT, "data"
    for number in range(250):
        text += relu(f"a{number}", bottom, f"a{number}")
        for name in "bcd":
            text += relu(f"{name}{number}", f"a{number}", f"a{number}")
        text += (
            f'layer {{ name: "s{number}" type: "Eltwise" bottom: "{bottom}" '
            f'bottom: "a{number}" top: "s{number}" }}\n'
        )
        bottom = f"s{number}"
    assert len(to_keras(write(text)).layers) == 1251


def test_a_thousand_layers_of_one_name(write):
    names = Names()
    start = time.process_time()
    assert [names.claim("") for _ in range(20_000)][-1] == "__19999"
    assert time.process_time() - start < 2


def test_a_network_that_makes_nothing(write):
    text = 'layer { name: "a" type: "Silence" bottom: "data" }'
    with pytest.raises(CaffeFormatError, match="no blob to return"):
        to_keras(write(INPUT + text))


def test_a_model_that_claims_more_than_it_holds(write, tmp_path):
    prototxt = write(
        INPUT + convolution("num_output: 4 kernel_size: 1 bias_term: false")
    )
    net = NetParameter()
    blob = net.layer.add(name="a").blobs.add()
    blob.shape.dim.extend((4, 3, 1, 1))
    blob.data.append(1)
    model = tmp_path / "m.caffemodel"
    write_caffemodel(net, model)
    with pytest.raises(CaffeFormatError, match="holds 1 values") as caught:
        to_keras(prototxt, model)
    assert caught.value.layer == "a" and caught.value.file == str(model)
    blob.shape.dim[:] = (2**40, 2**40, 1, 1)
    write_caffemodel(net, model)
    with pytest.raises(CaffeFormatError, match="and the prototxt declares"):
        to_keras(prototxt, model)
    del net.layer[0].blobs[:]
    net.layer[0].blobs.add()
    net.layer[0].blobs.add()
    write_caffemodel(net, model)
    with pytest.raises(CaffeFormatError, match="holds 2 blobs"):
        to_keras(prototxt, model)
    del net.layer[0].blobs[:]
    write_caffemodel(net, model)
    # Caffe refuses this too, and takes a model without the layer.
    with pytest.raises(CaffeFormatError, match="holds 0 blobs"):
        to_keras(prototxt, model)


def test_no_file_is_left_behind(tmp_path, capsys, write):
    from keras_hypersphere.tools import cli

    out = tmp_path / "out" / "model.keras"
    out.parent.mkdir()
    path = write(INPUT + SETTINGS["many filters"])
    assert cli.main(["convert", path, "-o", str(out)]) == 1
    assert not list(out.parent.iterdir())
    assert "layer 'a'" in capsys.readouterr().err.splitlines()[-1]
