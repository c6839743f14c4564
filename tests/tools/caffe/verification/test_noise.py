"""Noise that every layer can read."""

import numpy as np
import pytest

from keras_hypersphere.caffe_format import read_prototxt
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state
from keras_hypersphere.tools.caffe.verification.noise import make_inputs
from tests.fidelity.recording import load

DATA = """
input: "x" input_shape { dim: 300 dim: 7 dim: 1 dim: 1 }
input: "y" input_shape { dim: 300 }
"""
FC = """
layer { name: "f" type: "InnerProduct" bottom: "x" top: "f"
  inner_product_param { num_output: 5 } }
layer { name: "r" type: "ReLU" bottom: "f" top: "f" }
"""


def loss(type, bottoms, settings=""):
    bottoms = " ".join(f'bottom: "{name}"' for name in bottoms.split())
    return f'layer {{ name: "l" type: "{type}" {bottoms} top: "l" {settings} }}'


@pytest.fixture
def noise(write):
    def make(text):
        net = read_prototxt(write(text))
        graph = build_graph(net, make_state("TRAIN", (), 0))
        shapes = {
            top: tuple(shape.dim)
            for node in graph.nodes
            if node.type == "Input"
            for top, shape in zip(
                node.parameter.top,
                node.parameter.input_param.shape,
                strict=True,
            )
        }
        return make_inputs(graph, shapes)

    return make


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        # As many classes as the layer that makes the scores has outputs,
        (FC + loss("SoftmaxWithLoss", "f y"), 5),
        (FC + loss("Accuracy", "f y"), 5),
        # or the input channels,
        (loss("GeneralContrastiveLoss", "x y"), 7),
        # or the loss centers.
        (loss("CenterLoss", "x y", "center_loss_param { num_output: 4 }"), 4),
        (
            FC
            + loss("SoftmaxWithLoss", "f y")
            + loss(
                "CenterLoss", "f y", "center_loss_param { num_output: 4 }"
            ).replace('"l"', '"c"'),
            4,
        ),
        # Of an axis that nobody knows, two are there.
        (
            'layer { name: "s" type: "Reshape" bottom: "x" top: "s" '
            "reshape_param { shape { dim: 300 dim: 7 } } }"
            + loss("HingeLoss", "s y"),
            2,
        ),
        # Whether a pair is alike.
        (loss("ContrastiveLoss", "x x y"), 2),
        # Labels on their way.
        (
            'layer { name: "s" type: "Reshape" bottom: "y" top: "s" '
            "reshape_param { shape { dim: 0 dim: 1 } } }"
            + loss("HingeLoss", "x s"),
            7,
        ),
    ],
)
def test_labels_are_of_all_classes(text, classes, noise):
    assert set(noise(DATA + text)["y"]) == set(range(classes))


def test_other_inputs(noise):
    targets = noise(DATA + FC + loss("EuclideanLoss", "f x"))["x"]
    assert len(np.unique(targets)) == targets.size
    weights = noise(
        DATA
        + 'input: "w" input_shape { dim: 300 }'
        + loss("SoftmaxWithLoss", "x y w")
    )["w"]
    assert set(weights) == {0, 1, 2}


@pytest.mark.parametrize(
    "name", ["normalized_euclidean_contrastive", "combine_softmax_contrastive"]
)
def test_the_agents_of_normface(name, noise):
    """Agents are a learned blob, whose rows are counted."""
    z = load(f"head_{name}_c7d5n6_train_s0")
    text = z.meta["prototxt"].replace("dim: 6", "dim: 300")
    assert set(noise(text)["label"]) == set(range(7))
