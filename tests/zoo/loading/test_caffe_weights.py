"""Original Caffe files in the zoo's networks: equal to what Caffe made."""

import functools
import shutil

import h5py
import keras
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.caffe_format import (
    NetParameter,
    blob_array,
    read_caffemodel,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras
from keras_hypersphere.zoo.loading.caffe_weights import is_caffe, load_caffe
from tests.tools.caffe.conftest import Recording, find

# float32 sums in another order differ by some 1e-6.
TOLERANCE = 1e-5


# The functions of the recorded networks, which have an eighth of the widths.
NARROW = {
    "sphereface4_narrow8": zoo.SphereFace4,
    "sphereface10_narrow8": zoo.SphereFace10,
    "sphereface20_narrow8": zoo.SphereFace20,
    "sphereface64_narrow8": functools.partial(
        zoo.SphereFace64, variant="caffe"
    ),
    "centerface_narrow8": zoo.CenterFace,
    "lightenedcnn_A_narrow8": functools.partial(
        zoo.LightCNNA, include_top=True, classes=1321
    ),
    "lightenedcnn_B_narrow8": functools.partial(
        zoo.LightCNNB, include_top=True, classes=1321
    ),
}


def narrow(name, weights=None, **others):
    """The zoo's network with the widths of a recording."""
    return NARROW[name](weights, width=1 / 8, **others)


def tops(recording, model):
    """Recorded blobs and the layer here that makes their last value."""
    makers = {}
    for layer in recording.meta["caffe_layers"]:
        for top in layer["tops"]:
            makers.setdefault(top, []).append(layer["name"])
    names = {layer.name for layer in model.layers}
    found = {}
    for blob, layers in makers.items():
        last = [name for name in layers if name in names][-1:]
        # A blob changed in place by a layer that is missing here would be
        # compared too early.
        if last and blob in recording.blobs and last[0] == layers[-1]:
            found[blob] = last[0]
    return found


@pytest.mark.parametrize("name", NARROW)
def test_every_blob_is_caffes(name):
    recording = Recording(find("conversion", name))
    model = narrow(name, recording.caffemodel)
    shared = tops(recording, model)
    kinds = [layer["type"] for layer in recording.meta["caffe_layers"]]
    for kind in ("Convolution", "InnerProduct", "Pooling", "Eltwise"):
        learned = [
            top
            for layer in recording.meta["caffe_layers"]
            if layer["type"] == kind
            for top in layer["tops"]
        ]
        assert len(learned) == kinds.count(kind)
        assert set(learned) <= set(shared), f"not compared: {kind}"
    assert set(recording.meta["outputs"]) <= set(shared)
    probe = keras.Model(
        model.input,
        {blob: model.get_layer(maker).output for blob, maker in shared.items()},
    )
    [x] = recording.inputs.values()
    differences = {
        blob: recording.difference(blob, value)
        for blob, value in probe(x, training=False).items()
    }
    assert max(differences.values()) < TOLERANCE, differences


def caffemodel(model, path, names=None, extra=()):
    """Writes a network's weights as Caffe would."""
    net = NetParameter(name="written")
    for layer in model.layers:
        if not layer.weights:
            continue
        message = net.layer.add(name=(names or {}).get(layer.name, layer.name))
        for value in layer.get_weights():
            if value.ndim == 4:
                value = value.transpose(3, 2, 0, 1)
            elif value.ndim == 3:
                value = value.ravel()
            set_blob(message.blobs.add(), value.T if value.ndim == 2 else value)
    for name, shape in extra:
        set_blob(net.layer.add(name=name).blobs.add(), np.ones(shape))
    write_caffemodel(net, path)


def same(a, b):
    return all(
        np.array_equal(x, y)
        for x, y in zip(a.get_weights(), b.get_weights(), strict=True)
    )


PROTOTXT = """
name: "SpherefaceNet-4"
input: "data" input_dim: 1 input_dim: 3 input_dim: 112 input_dim: 96
"""
STAGE = """
layer {{ name: "conv{0}_1" type: "Convolution" bottom: "{1}" top: "conv{0}_1"
  convolution_param {{ num_output: {2} kernel_size: 3 stride: 2 pad: 1 }} }}
layer {{ name: "relu{0}_1" type: "PReLU" bottom: "conv{0}_1"
  top: "conv{0}_1" }}
"""
LAST = """
layer { name: "fc5" type: "InnerProduct" bottom: "conv4_1" top: "fc5"
  inner_product_param { num_output: 512 } }
"""


@pytest.mark.slow
def test_full_size_is_what_the_converter_makes(tmp_path):
    text, bottom = PROTOTXT, "data"
    for stage, filters in enumerate((64, 128, 256, 512), start=1):
        text += STAGE.format(stage, bottom, filters)
        bottom = f"conv{stage}_1"
    (tmp_path / "net.prototxt").write_text(text + LAST)
    keras.utils.set_random_seed(1)
    model = zoo.SphereFace4()
    for layer in model.layers:
        # Zeros and equal numbers would hide a wrong order.
        layer.set_weights(
            [v + 0.01 * np.arange(v.size).reshape(v.shape) / v.size
             for v in layer.get_weights()]
        )  # fmt: skip
    path = tmp_path / "sphereface_model.caffemodel"
    caffemodel(model, path, extra=[("fc6", (10572, 512))])
    read = zoo.SphereFace4(weights=str(path))
    assert same(read, model)
    converted = to_keras(tmp_path / "net.prototxt", path)
    x = np.random.default_rng(0).normal(size=(2, 112, 96, 3)).astype("f4")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(read(x, training=False)),
        keras.ops.convert_to_numpy(converted(x, training=False)),
        rtol=1e-5,
        atol=1e-5,
    )


def test_names_that_keras_cannot_compile(tmp_path):
    from keras_hypersphere.zoo.backbones.lenet_pp import CAFFE_NAMES

    model = zoo.LeNetPlusPlus(include_top=True)
    caffemodel(model, tmp_path / "mnist.caffemodel", CAFFE_NAMES)
    stored = read_caffemodel(tmp_path / "mnist.caffemodel")
    assert {"conv1+", "prelu3+", "ip2"} <= {x.name for x in stored.layer}
    read = zoo.LeNetPlusPlus(tmp_path / "mnist.caffemodel", include_top=True)
    assert same(read, model)


def test_classifier_of_the_file(tmp_path):
    model = narrow("sphereface4_narrow8", include_top=True, classes=5)
    path = tmp_path / "a.caffemodel"
    caffemodel(model, path)
    read = narrow("sphereface4_narrow8", path, include_top=True, classes=5)
    assert same(read, model)
    # Without it, it is left out.
    read = narrow("sphereface4_narrow8", path)
    np.testing.assert_array_equal(
        read.get_layer("fc5").kernel, model.get_layer("fc5").kernel
    )


def test_shapes_of_before_2015(tmp_path):
    model = narrow("sphereface4_narrow8")
    path = tmp_path / "old.caffemodel"
    caffemodel(model, path)
    net = read_caffemodel(path)
    for layer in net.layer:
        for blob in layer.blobs:
            sizes = [1] * 4 + list(blob.shape.dim)
            blob.ClearField("shape")
            for name, number in zip(
                ("num", "channels", "height", "width"), sizes[-4:], strict=True
            ):
                setattr(blob, name, number)
    write_caffemodel(net, path)
    assert same(narrow("sphereface4_narrow8", path), model)


def test_an_order_of_its_own(tmp_path):
    """HDF5 files are in the order of the alphabet."""
    model = narrow("sphereface4_narrow8")
    path = tmp_path / "shuffled.caffemodel"
    caffemodel(model, path, extra=[("another", (3, 64)), ("fc6", (9, 64))])
    net = read_caffemodel(path)
    layers = sorted(net.layer, key=lambda layer: layer.name)
    shuffled = NetParameter(layer=layers)
    write_caffemodel(shuffled, path)
    assert same(narrow("sphereface4_narrow8", path), model)


def test_weights_in_hdf5(tmp_path):
    """As Caffe writes them with `snapshot_format: HDF5`."""
    model = narrow("sphereface4_narrow8")
    path = tmp_path / "a.caffemodel"
    caffemodel(model, path, extra=[("fc6", (9, 64))])
    with h5py.File(f"{path}.h5", "w") as file:
        for layer in read_caffemodel(path).layer:
            group = file.create_group(f"data/{layer.name}")
            for index, blob in enumerate(layer.blobs):
                group[f"{index}"] = blob_array(blob)
    assert same(narrow("sphereface4_narrow8", f"{path}.h5"), model)
    with pytest.raises(ValueError, match="no weights for the layer conv2_2"):
        narrow("sphereface10_narrow8", f"{path}.h5")


def fixture(name):
    return Recording(find("conversion", name)).caffemodel


def test_a_deeper_network_is_refused():
    """It has every layer of the shallow one."""
    with pytest.raises(
        ValueError,
        match=r"does not fit SphereFace4: it has a layer conv2_2, "
        r"16 x 16 x 3 x 3 and 16, which SphereFace4 has not\. The file has "
        r"21 layers with [\d,]+ weights: conv1_1 8 x 3 x 3 x 3 and 8, ",
    ):
        narrow("sphereface4_narrow8", fixture("sphereface10_narrow8"))


def test_a_shallower_network_is_refused():
    with pytest.raises(
        ValueError,
        match="does not fit SphereFace10: it has no weights for the layer "
        "conv2_2",
    ) as caught:
        narrow("sphereface10_narrow8", fixture("sphereface4_narrow8"))
    assert "\n" not in str(caught.value)


def test_another_width_is_refused():
    with pytest.raises(
        ValueError,
        match="its layer conv1_1 has 8 x 3 x 3 x 3 and 8, where "
        "64 x 3 x 3 x 3 and 64 was expected",
    ):
        zoo.SphereFace4(weights=fixture("sphereface4_narrow8"))


def test_another_image_size_is_refused():
    with pytest.raises(ValueError, match=r"its layer fc5 .*`input_shape`, "):
        narrow(
            "sphereface4_narrow8",
            fixture("sphereface4_narrow8"),
            input_shape=(96, 96, 3),
        )


@pytest.mark.parametrize(
    ("extra", "at"), [(("norm", (8,)), 1), (("conv9", (8, 8, 3, 3)), None)]
)
def test_layers_that_are_not_the_classifiers(tmp_path, extra, at):
    """Between the network's own, or with filters anywhere."""
    path = tmp_path / "other.caffemodel"
    caffemodel(narrow("sphereface4_narrow8"), path, extra=[extra])
    net = read_caffemodel(path)
    if at is not None:
        layers = list(net.layer)
        net = NetParameter(layer=[layers[0], layers[-1], *layers[1:-1]])
        write_caffemodel(net, path)
    with pytest.raises(ValueError, match=f"it has a layer {extra[0]}, "):
        narrow("sphereface4_narrow8", path)


def test_a_refused_file_changes_nothing(tmp_path):
    model = narrow("sphereface10_narrow8")
    before = model.get_weights()
    with pytest.raises(ValueError, match="does not fit"):
        load_caffe(
            model, fixture("sphereface4_narrow8"), "SphereFace10", names={}
        )
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_broken_and_missing_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"'no\.caffemodel'"):
        zoo.LeNetPlusPlus(weights="no.caffemodel")
    whole = fixture("sphereface4_narrow8").read_bytes()
    for content in (b"", b"hello", whole[:-100]):
        path = tmp_path / "cut.caffemodel"
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"cut\.caffemodel"):
            narrow("sphereface4_narrow8", path)


def test_values_that_do_not_fill_their_shape(tmp_path):
    path = tmp_path / "short.caffemodel"
    caffemodel(narrow("sphereface4_narrow8"), path)
    net = read_caffemodel(path)
    del net.layer[0].blobs[1].data[3:]
    write_caffemodel(net, path)
    with pytest.raises(
        ValueError, match=r"short\.caffemodel: layer 'conv1_1': a blob of "
    ):
        narrow("sphereface4_narrow8", path)


def test_networks_without_a_caffe_file(tmp_path):
    path = tmp_path / "nns2.caffemodel"
    shutil.copy(fixture("sphereface4_narrow8"), path)
    with pytest.raises(
        ValueError, match=r"FaceNetNNS2 cannot be a caffemodel.*convert"
    ):
        zoo.FaceNetNNS2(weights=path, input_shape=(32, 32, 3))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("a.caffemodel", True),
        ("A.CAFFEMODEL", True),
        ("a.caffemodel.h5", True),
        ("a.weights.h5", False),
        ("caffemodel", False),
    ],
)
def test_names_of_caffe_files(name, answer):
    assert is_caffe(name) is answer
