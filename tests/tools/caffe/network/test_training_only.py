"""What only training has is left out at inference."""

import pytest
from google.protobuf import text_format

from keras_hypersphere.caffe_format import CaffeFormatError, NetParameter
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state

DATA = 'layer { name: "d" type: "MemoryData" top: "data" top: "label" }'


def layer(type, bottoms, tops, rest=""):
    bottoms = " ".join(f'bottom: "{name}"' for name in bottoms.split())
    tops = " ".join(f'top: "{name}"' for name in tops.split())
    return f'layer {{ name: "{type}" type: "{type}" {bottoms} {tops} {rest} }}'


def graph_of(*layers, phase="TEST", outputs=None):
    net = text_format.Parse("".join((DATA, *layers)), NetParameter())
    return build_graph(net, make_state(phase, (), 0), outputs)


def summary(graph):
    """Types, what the input has, and the outputs."""
    types = [node.type for node in graph.nodes]
    (source,) = [node for node in graph.nodes if node.type == "Input"]
    outputs = [graph.values[number] for number in graph.outputs]
    return types[1:], list(source.parameter.top), outputs


FC = layer("InnerProduct", "data", "fc")
LOSS = layer("SoftmaxWithLoss", "fc label", "loss")


@pytest.mark.parametrize(
    ("layers", "types", "inputs", "outputs"),
    [
        # What the loss read is an output.
        ([FC, LOSS], ["InnerProduct"], ["data"], ["fc"]),
        ([FC, LOSS, layer("Silence", "loss", "")],
         ["InnerProduct"], ["data"], ["fc"]),
        # A label that another layer reads stays.
        ([FC, LOSS, layer("Exp", "label", "e")],
         ["InnerProduct", "Exp"], ["data", "label"], ["e", "fc"]),
        # Neither is one that nobody ever read.
        ([FC], ["InnerProduct"], ["data"], ["fc"]),
        ([FC, LOSS, layer("Silence", "label", "")],
         ["InnerProduct"], ["data"], ["fc"]),
        # Labels in parts: their way goes too.
        ([FC, layer("Slice", "label", "a b"),
          layer("EuclideanLoss", "fc a", "la"),
          layer("HingeLoss", "fc b", "lb")],
         ["InnerProduct"], ["data"], ["fc"]),
        # Heads lose labels and second tops.
        ([layer("MarginInnerProduct", "data label", "m lambda"),
          layer("SoftmaxWithLoss", "m label", "loss")],
         ["MarginInnerProduct"], ["data"], ["m"]),
        # A target that the network computes is an output: an autoencoder.
        ([FC, layer("Flatten", "data", "flat"),
          layer("EuclideanLoss", "fc flat", "loss")],
         ["InnerProduct", "Flatten"], ["data"], ["fc", "flat"]),
        # So is the other branch of two.
        ([FC, layer("Convolution", "label", "c"),
          layer("EuclideanLoss", "fc c", "loss")],
         ["InnerProduct", "Convolution"], ["data", "label"], ["c", "fc"]),
        ([FC, layer("Convolution", "data", "c"), layer("Sigmoid", "c", "s"),
          layer("ContrastiveLoss", "fc s label", "loss")],
         ["InnerProduct", "Convolution", "Sigmoid"], ["data"], ["fc", "s"]),
    ],
)  # fmt: skip
def test_inference(layers, types, inputs, outputs):
    assert summary(graph_of(*layers)) == (types, inputs, outputs)


def test_training_keeps_all():
    graph = graph_of(FC, LOSS, phase="TRAIN")
    types = ["InnerProduct", "SoftmaxWithLoss"]
    assert summary(graph) == (types, ["data", "label"], ["loss"])
    assert {graph.values[number] for number in graph.whole} == {"label"}


def test_outputs_that_only_training_has():
    graph = graph_of(FC, LOSS, outputs=["fc"])
    assert summary(graph) == (["InnerProduct"], ["data"], ["fc"])
    with pytest.raises(ValueError, match="which only training has"):
        graph_of(FC, LOSS, outputs=["fc", "loss"])


def test_a_label_that_nobody_makes():
    """Real Caffe refuses it; what is left out needs no label."""
    orphan = layer("Accuracy", "fc labels", "acc")
    assert summary(graph_of(FC, orphan))[2] == ["fc"]
    with pytest.raises(CaffeFormatError, match="'labels', which no layer"):
        graph_of(FC, orphan, phase="TRAIN")


def test_losses_without_a_name():
    nameless = layer("SoftmaxWithLoss", "fc label", "")
    graph = graph_of(FC, nameless, phase="TRAIN")
    assert summary(graph)[2] == ["SoftmaxWithLoss"]
    graph = graph_of(
        FC.replace('"fc"', '"SoftmaxWithLoss"'),
        nameless.replace('"fc"', '"SoftmaxWithLoss"'),
        phase="TRAIN",
    )
    assert summary(graph)[2] == ["SoftmaxWithLoss_loss"]
