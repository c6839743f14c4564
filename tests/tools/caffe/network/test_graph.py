import pytest
from google.protobuf import text_format

from keras_hypersphere.caffe_format import CaffeFormatError, NetParameter
from keras_hypersphere.tools.caffe.network.graph import build_graph
from keras_hypersphere.tools.caffe.network.rules import make_state

TEST = make_state("TEST", (), 0)


def net(text):
    return text_format.Parse(text, NetParameter())


IN_PLACE = """
layer { name: "in" type: "Input" top: "x"
  input_param { shape { dim: 1 } } }
layer { name: "c" type: "C" bottom: "x" top: "c" }
layer { name: "r" type: "R" bottom: "c" top: "c" }
layer { name: "d" type: "D" bottom: "c" top: "d" }
layer { name: "e" type: "E" bottom: "c" top: "e" }
"""


def test_a_name_stands_for_its_last_value():
    graph = build_graph(net(IN_PLACE), TEST)
    made = {node.name: (node.bottoms, node.tops) for node in graph.nodes}
    assert made["r"] == ([1], [2])
    # Both readers get what `r` made, not what `c` made.
    assert made["d"][0] == made["e"][0] == [2]
    assert [graph.values[n] for n in graph.outputs] == ["d", "e"]
    chosen = build_graph(net(IN_PLACE), TEST, ["c"])
    assert [node.name for node in chosen.nodes] == ["in", "c", "r"]
    assert chosen.outputs == made["r"][1]


def test_a_reader_before_a_change():
    late = IN_PLACE + 'layer { name: "z" type: "Z" bottom: "c" top: "c" }'
    with pytest.raises(CaffeFormatError, match="read already"):
        build_graph(net(late), TEST)
    # Left out by the outputs, it does no harm.
    assert len(build_graph(net(late), TEST, ["d"]).nodes) == 4


@pytest.mark.parametrize(
    "rules, state, included",
    [
        ("", ("TEST", (), 0), True),
        ("include { phase: TRAIN }", ("TEST", (), 0), False),
        (
            "include { phase: TRAIN } include { phase: TEST }",
            ("TEST", (), 0),
            True,
        ),
        ("exclude { phase: TEST }", ("TEST", (), 0), False),
        ("exclude { phase: TEST }", ("TRAIN", (), 0), True),
        ("include { stage: 'a' stage: 'b' }", ("TEST", ("a",), 0), False),
        ("include { stage: 'a' stage: 'b' }", ("TEST", ("b", "a"), 0), True),
        ("include { not_stage: 'a' }", ("TEST", ("a",), 0), False),
        ("include { min_level: 2 }", ("TEST", (), 1), False),
        ("include { min_level: 2 max_level: 3 }", ("TEST", (), 3), True),
        ("include { max_level: -1 }", ("TEST", (), 0), False),
    ],
)
def test_rules(rules, state, included):
    layer = net(f"layer {{ name: 'l' {rules} }}").layer[0]
    assert make_state(*state).includes(layer) == included
