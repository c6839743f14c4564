"""The classic networks, narrow, with random weights, every blob of them.

OpenCV 4's importer is the oracle where it is installed, else the float64
reference. What matters is how the layers are put together: the published
networks were wired like these.
"""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import to_keras, verify
from tests.tools.caffe.network_writer import NetworkWriter


def caffenet():
    """AlexNet's layers: groups, LRN, and dense layers after a convolution."""
    net = NetworkWriter(3, 67, 67)
    x = net.relu("relu1", net.conv("conv1", "data", 8, 11, stride=4))
    x = net.norm("norm1", net.pool("pool1", x, 3, 2))
    x = net.relu("relu2", net.conv("conv2", x, 12, 5, pad=2, group=2))
    x = net.norm("norm2", net.pool("pool2", x, 3, 2))
    x = net.relu("relu3", net.conv("conv3", x, 12, 3, pad=1))
    x = net.relu("relu4", net.conv("conv4", x, 12, 3, pad=1, group=2))
    x = net.relu("relu5", net.conv("conv5", x, 8, 3, pad=1, group=2))
    x = net.relu("relu6", net.dense("fc6", net.pool("pool5", x, 3, 2), 16))
    x = net.layer("Dropout", "drop6", x, top=x)
    x = net.relu("relu7", net.dense("fc7", x, 16))
    net.layer("Softmax", "prob", net.dense("fc8", x, 10))
    return net


def inception(net, name, x, widths):
    one, reduce3, three, reduce5, five, projection = widths

    def conv(part, bottom, outputs, kernel=1):
        blob = net.conv(f"{name}/{part}", bottom, outputs, kernel, kernel // 2)
        return net.relu(f"{name}/relu_{part}", blob)

    pooled = net.pool(f"{name}/pool", x, 3, 1, 1)
    return net.concat(
        f"{name}/output",
        [
            conv("1x1", x, one),
            conv("3x3", conv("3x3_reduce", x, reduce3), three, 3),
            conv("5x5", conv("5x5_reduce", x, reduce5), five, 5),
            conv("pool_proj", pooled, projection),
        ],
    )


def googlenet():
    net = NetworkWriter(3, 64, 64)
    x = net.conv("conv1/7x7_s2", "data", 8, 7, 3, 2)
    x = net.pool("pool1/3x3_s2", net.relu("conv1/relu_7x7", x), 3, 2)
    x = net.conv("conv2/3x3_reduce", net.norm("pool1/norm1", x), 8, 1)
    x = net.conv("conv2/3x3", net.relu("conv2/relu_reduce", x), 12, 3, 1)
    x = net.norm("conv2/norm2", net.relu("conv2/relu_3x3", x))
    x = net.pool("pool2/3x3_s2", x, 3, 2)
    x = inception(net, "inception_3a", x, (4, 6, 8, 2, 4, 4))
    x = inception(net, "inception_3b", x, (6, 6, 10, 4, 6, 4))
    x = net.pool("pool5/7x7_s1", x, 7, 1, kind="AVE")
    x = net.layer("Dropout", "pool5/drop_7x7_s1", x, top=x)
    net.layer("Softmax", "prob", net.dense("loss3/classifier", x, 10))
    return net


def vgg():
    net = NetworkWriter(3, 32, 32)
    x = "data"
    for block, width in enumerate((4, 8, 12), 1):
        for number in (1, 2):
            name = f"{block}_{number}"
            x = net.conv(f"conv{name}", x, width, 3, 1)
            x = net.relu(f"relu{name}", x)
        x = net.pool(f"pool{block}", x, 2, 2)
    x = net.relu("relu6", net.dense("fc6", x, 20))
    net.layer("Softmax", "prob", net.dense("fc8", x, 10))
    return net


def residual(net, name, x, width, stride):
    """ResNet's bottleneck: everything but the convolutions is in place."""

    def conv(part, bottom, outputs, *sizes):
        blob = net.conv(
            f"res{name}_{part}", bottom, outputs, *sizes, bias=False
        )
        return net.batch_norm(f"bn{name}_{part}", f"scale{name}_{part}", blob)

    shortcut = x
    if stride > 1 or net.shapes[x][0] != 4 * width:
        shortcut = conv("branch1", x, 4 * width, 1, 0, stride)
    x = conv("branch2a", x, width, 1, 0, stride)
    x = net.relu(f"res{name}_branch2a_relu", x)
    x = net.relu(f"res{name}_branch2b_relu", conv("branch2b", x, width, 3, 1))
    x = conv("branch2c", x, 4 * width, 1)
    x = net.layer("Eltwise", f"res{name}", [shortcut, x])
    return net.relu(f"res{name}_relu", x)


def resnet():
    net = NetworkWriter(3, 56, 56)
    x = net.conv("conv1", "data", 8, 7, 3, 2)
    x = net.relu("conv1_relu", net.batch_norm("bn_conv1", "scale_conv1", x))
    x = residual(net, "2a", net.pool("pool1", x, 3, 2), 4, 1)
    x = residual(net, "2b", x, 4, 1)
    x = residual(net, "3a", x, 6, 2)
    x = net.pool("pool5", x, 7, 1, kind="AVE")
    net.layer("Softmax", "prob", net.dense("fc1000", x, 10))
    return net


def squeezenet():
    net = NetworkWriter(3, 47, 47)
    x = net.relu("relu_conv1", net.conv("conv1", "data", 8, 3, stride=2))
    x = net.pool("pool1", x, 3, 2)
    for name in ("fire2", "fire3"):
        x = net.conv(f"{name}/squeeze1x1", x, 4, 1)
        x = net.relu(f"{name}/relu_squeeze1x1", x)
        wide = [
            net.relu(
                f"{name}/relu_{part}",
                net.conv(f"{name}/{part}", x, 6, kernel, kernel // 2),
            )
            for part, kernel in (("expand1x1", 1), ("expand3x3", 3))
        ]
        x = net.concat(f"{name}/concat", wide)
    x = net.layer("Dropout", "drop9", x, top=x)
    x = net.relu("relu_conv10", net.conv("conv10", x, 10, 1))
    net.layer("Softmax", "prob", net.global_pool("pool10", x))
    return net


def mobilenet(version):
    net = NetworkWriter(3, 32, 32)
    rectifier = ("ReLU", "ReLU", "ReLU6")[version]

    def conv(name, bottom, outputs, *sizes, group=1, linear=False):
        x = net.conv(name, bottom, outputs, *sizes, group=group, bias=False)
        x = net.batch_norm(f"{name}/bn", f"{name}/scale", x)
        return x if linear else net.relu(f"relu{name}", x, rectifier)

    x = conv("conv1", "data", 8, 3, 1, 2)
    if version == 1:
        for name, width, stride in (("2_1", 12, 1), ("2_2", 16, 2)):
            channels = net.shapes[x][0]
            x = conv(
                f"conv{name}/dw", x, channels, 3, 1, stride, group=channels
            )
            x = conv(f"conv{name}/sep", x, width, 1)
    else:
        for name in ("conv3_1", "conv3_2"):
            wide = conv(f"{name}/expand", x, 24, 1)
            wide = conv(f"{name}/dwise", wide, 24, 3, 1, group=24)
            wide = conv(f"{name}/linear", wide, 8, 1, linear=True)
            x = net.layer("Eltwise", f"block_{name}", [x, wide])
    net.conv("fc7", net.global_pool("pool6", x), 10, 1)
    return net


def densenet():
    net = NetworkWriter(3, 32, 32)

    def before(name, x):
        x = net.batch_norm(f"{name}/bn", f"{name}/scale", x, f"{name}/bn")
        return net.relu(f"relu_{name}", x)

    x = net.pool("pool1", net.conv("conv1", "data", 8, 7, 3, 2), 3, 2, 1)
    for number in (1, 2):
        name = f"conv2_{number}"
        wide = net.conv(f"{name}/x1", before(f"{name}/x1", x), 16, 1)
        grown = net.conv(f"{name}/x2", before(f"{name}/x2", wide), 4, 3, 1)
        x = net.concat(f"concat_2_{number}", [x, grown])
    x = net.conv("conv2_blk", before("conv2_blk", x), 8, 1, bias=False)
    x = net.pool("pool2", x, 2, 2, kind="AVE")
    net.conv("fc6", net.global_pool("pool5", before("conv5_blk", x)), 10, 1)
    return net


def senet(excite):
    """A residual block whose channels are weighted, in one of three ways."""
    net = NetworkWriter(3, 24, 24)
    x = net.relu("conv1/relu", net.conv("conv1/7x7_s2", "data", 8, 7, 3, 2))
    wide = net.conv("conv2_1_increase", x, 8, 3, 1)
    gate = net.global_pool("conv2_1_global_pool", wide)
    make = net.dense if excite == "Scale" else net.conv
    kernel = () if excite == "Scale" else (1,)
    gate = net.relu("conv2_1_relu", make("conv2_1_down", gate, 4, *kernel))
    gate = make("conv2_1_up", gate, 8, *kernel)
    gate = net.layer("Sigmoid", "conv2_1_prob", gate)
    if excite == "Axpy":
        net.layer("Axpy", "conv2_1", [gate, wide, x], shape=net.shapes[x])
    else:
        if excite == "Reshape":
            gate = net.layer(
                "Reshape",
                "conv2_1_prob_reshape",
                gate,
                "reshape_param { shape { dim: -1 dim: 8 } }",
                (8,),
            )
        wide = net.layer(
            "Scale", "conv2_1_scale", [wide, gate], "scale_param { axis: 0 }"
        )
        net.layer("Eltwise", "conv2_1", [wide, x])
    return net


def fcn():
    """Scores are enlarged by a bilinear kernel, and cropped to the image."""
    net = NetworkWriter(3, 37, 41)
    x = net.relu("relu1_1", net.conv("conv1_1", "data", 8, 3, pad=20))
    pool3 = net.pool("pool3", net.pool("pool1", x, 2, 2), 2, 2)
    pool4 = net.pool("pool4", pool3, 2, 2)
    score = net.conv("score_fr", net.conv("fc6", pool4, 8, 3), 5, 1)

    def enlarge(name, bottom, kernel, stride):
        _, height, width = net.shapes[bottom]
        net.blobs[name] = [net.normal(5, 1, kernel, kernel)]
        return net.layer(
            "Deconvolution",
            name,
            bottom,
            f"convolution_param {{ num_output: 5 kernel_size: {kernel} "
            f"stride: {stride} group: 5 bias_term: false }}",
            (5, *((n - 1) * stride + kernel for n in (height, width))),
        )

    def crop(name, bottom, like, offset):
        return net.layer(
            "Crop",
            name,
            [bottom, like],
            f"crop_param {{ axis: 2 offset: {offset} }}",
            (5, *net.shapes[like][1:]),
        )

    big = enlarge("upscore2", score, 4, 2)
    skip = net.conv("score_pool3", pool3, 5, 1)
    small = crop("score_pool3c", skip, big, 1)
    x = net.layer("Eltwise", "fuse_pool3", [big, small])
    crop("score", enlarge("upscore8", x, 8, 4), "data", 7)
    return net


NETWORKS = {
    "caffenet": caffenet,
    "googlenet": googlenet,
    "vgg": vgg,
    "resnet": resnet,
    "squeezenet": squeezenet,
    "mobilenet_v1": lambda: mobilenet(1),
    "mobilenet_v2": lambda: mobilenet(2),
    "densenet": densenet,
    "senet_axpy": lambda: senet("Axpy"),
    "senet_reshape": lambda: senet("Reshape"),
    "senet_scale": lambda: senet("Scale"),
    "fcn": fcn,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_blob(name, tmp_path):
    net = NETWORKS[name]()
    files = net.write(tmp_path)
    model = to_keras(*files)
    report = verify(model, *files)
    assert report.passed, report
    for row in report.rows:
        assert row.shape[1:] == tuple(net.shapes[row.blob]), row
        assert row.relative < 1e-5, row
    # Nothing of ours is needed to load it, and a batch may have any size.
    assert all(type(x).__module__.startswith("keras") for x in model.layers)
    batch = np.random.default_rng(0).random((3, *model.input_shape[1:]), "f4")
    several, alone = (
        keras.ops.convert_to_numpy(model(x, training=False))
        for x in (batch, batch[1:2])
    )
    np.testing.assert_allclose(several[1:2], alone, atol=1e-5 * np.ptp(several))


@pytest.mark.parametrize("name", ["caffenet", "senet_scale", "fcn"])
def test_compiled(name, tmp_path):
    """Also where the compiler does not know the batch."""
    model = to_keras(*NETWORKS[name]().write(tmp_path))
    batch = np.random.default_rng(0).random((3, *model.input_shape[1:]), "f4")
    expected = keras.ops.convert_to_numpy(model(batch, training=False))
    np.testing.assert_allclose(
        model.predict(batch, verbose=0),
        expected,
        atol=1e-5 * np.ptp(expected),
    )


def test_depthwise_convolutions_are_that(tmp_path):
    model = to_keras(*mobilenet(1).write(tmp_path))
    assert isinstance(
        model.get_layer("conv2_1__dw"), keras.layers.DepthwiseConv2D
    )
