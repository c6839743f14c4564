"""What a model computes at each of Caffe's layers."""

from keras_hypersphere.tools.caffe import CaffeNetwork


def test_layers_in_place_of_one_name_and_top(write):
    """Caffe takes them; each has values of its own."""
    text = 'input: "x" input_shape { dim: 2 dim: 5 }\n' + "".join(
        f'layer {{ name: "p" type: "Power" bottom: "{bottom}" top: "y" '
        f"power_param {{ shift: {shift} }} }}\n"
        for bottom, shift in (("x", 1), ("y", 2), ("y", 3))
    )
    network = CaffeNetwork.read(write(text))
    report = network.verify(network.to_keras())
    assert report.passed and len(report.rows) == 3
    # Not one layer three times.
    changed = text.replace("shift: 2", "shift: 2.5")
    other = CaffeNetwork.read(write(changed, "other.prototxt"))
    report = network.verify(other.to_keras())
    assert [row.status for row in report.rows] == ["ok", "differs", "ok"]
