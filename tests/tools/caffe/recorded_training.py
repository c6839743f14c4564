"""A recorded layer or network, converted for its phase and run as recorded."""

from keras import ops

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.testing.gradients import gradients
from keras_hypersphere.tools.caffe import name_map, to_keras
from tests.fidelity import ledger

COLUMNS = ("InnerProduct", "LargeMarginInnerProduct", "MarginInnerProduct")


def channels_last(array):
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def channels_first(array):
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


class Converted:
    """What `to_keras` makes of a recording's text and blobs.

    Arrays of recorded layers are called `top0`, those of networks
    `blob_fc6`, and so on.
    """

    def __init__(self, z, folder):
        self.z = z
        self.single = z.meta["kind"] == "layer"
        self.training = z.meta["phase"] == "TRAIN"
        (folder / "net.prototxt").write_text(z.meta["prototxt"])
        net = NetParameter()
        for layer in z.net.layer:
            stored = net.layer.add(name=layer.name)
            while self.blob(layer.name, len(stored.blobs)) in z:
                key = self.blob(layer.name, len(stored.blobs))
                set_blob(stored.blobs.add(), z.float32(key))
        write_caffemodel(net, folder / "net.caffemodel")
        self.model = to_keras(
            folder / "net.prototxt",
            folder / "net.caffemodel",
            phase=z.meta["phase"],
        )

    def blob(self, layer, index, word="param"):
        """Key of a learned blob; in a recorded layer all are the layer's."""
        if self.single:
            return f"{word}{index}" if layer == "L" else ""
        return f"{word}_{layer}_{index}"

    def place(self, name, tops=False):
        """What ends the key of a bottom or a top."""
        if not self.single:
            return f"_{name}"
        names = self.z.layer().top if tops else self.z.meta["inputs"]
        return str(list(names).index(name))

    def feed(self, prefix):
        fed = {}
        for tensor in self.model.inputs:
            word = "bottom" if self.single else "input"
            key = word + self.place(tensor.name)
            key = prefix + key if prefix + key in self.z else key
            array = channels_last(self.z.float32(key))
            fed[tensor.name] = ops.convert_to_tensor(array.astype(tensor.dtype))
        return fed

    def variables(self):
        """(layer, index, variable, to Caffe's layout) of each learned blob."""
        by_path = {v.path: v for v in self.model.trainable_variables}
        return [
            (layer, index, by_path[path])
            for layer in name_map(self.model)["layers"]
            for index, path in enumerate(layer["weights"])
        ]

    def layout(self, layer, array):
        """A gradient of Keras' as Caffe's blob lies."""
        if array.ndim == 4:
            return array.transpose(3, 2, 0, 1)
        message = self.z.layer(layer["name"]).inner_product_param
        if layer["type"] in COLUMNS and not message.transpose:
            return array.T
        return array

    def total(self, prefix, outputs):
        """What was differentiated: the losses, or recorded gradients."""
        if self.model.losses:
            return sum(self.model.losses)
        terms = []
        for name, y in outputs.items():
            key = "top_diff" + self.place(name, tops=True)
            key = prefix + key if prefix + key in self.z else key
            if key in self.z:
                upstream = channels_last(self.z.float32(key))
                terms.append(ops.sum(ops.reshape(upstream, y.shape) * y))
        return sum(terms[1:], terms[0]) if terms else None

    def step(self, prefix):
        """Ours and theirs, of all that a step left, by the key."""
        fed = self.feed(prefix)
        names = [k for k, x in fed.items() if "float" in str(x.dtype)]

        def function(*tensors):
            made = self.model(
                fed | dict(zip(names, tensors, strict=True)),
                training=self.training,
            )
            made = made if isinstance(made, (list, tuple)) else [made]
            made = dict(zip(self.model.output_names, made, strict=True))
            total = self.total(prefix, made)
            # An accuracy has no gradient.
            still = 0.0 * ops.sum(tensors[0])
            return still if total is None else total, made

        variables = self.variables()
        result = gradients(
            function,
            [ops.convert_to_numpy(fed[name]) for name in names],
            [variable for *_, variable in variables],
        )
        found = {}
        top = "top" if self.single else "blob"
        for name, value in result.outputs.items():
            if not self.single or name in self.z.layer().top:
                key = prefix + top + self.place(name, tops=True)
                found[key] = channels_first(value)
        if self.z.meta.get("backward", True):
            word = "bottom_diff" if self.single else "diff"
            for name, value in zip(names, result.inputs, strict=True):
                found[prefix + word + self.place(name)] = channels_first(value)
            for (layer, index, _), value in zip(
                variables, result.variables, strict=True
            ):
                key = prefix + self.blob(layer["name"], index, "param_diff")
                found[key] = self.layout(layer, value)
        if self.model.losses:
            found[f"{prefix}loss"] = result.value
        if self.training:
            # `gradients` leaves states as they were; this moves them.
            self.model(fed, training=True)
        return found

    def differences(self):
        """Error of each recorded array that the documents say should agree."""
        rows = ledger.rows_of(
            self.z.name,
            # What is a concept there, Caffe's ties, the converter follows.
            [row for row in ledger.exclusions() if row.kind == "bug"],
        )
        found = {}
        for prefix in self.z.prefixes:
            for key, ours in self.step(prefix).items():
                if key in self.z and not any(row.has(key) for row in rows):
                    theirs = self.z[key]
                    ours = ours.reshape(theirs.shape)
                    found[key] = ledger.error(ours, theirs)
        return found
