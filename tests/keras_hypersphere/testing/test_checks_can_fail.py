"""Every check, shown to fail on a layer or loss that is broken on purpose."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.testing import check_head, check_layer, check_loss
from keras_hypersphere.testing.configuration import check_configuration
from keras_hypersphere.testing.edges import check_edges
from keras_hypersphere.testing.label_checks import check_labels
from keras_hypersphere.testing.margins import check_margin
from keras_hypersphere.testing.policies import check_policies
from keras_hypersphere.testing.shapes import check_shapes
from keras_hypersphere.testing.subject import Subject
from keras_hypersphere.testing.training import Training, check_training

register = keras.saving.register_keras_serializable(package="broken")


@register
class Sound(keras.layers.Layer):
    """y = factor * w * x / sqrt(1 + |x|^2 / 4), nothing wrong with it."""

    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1],))
        self.built = True

    def call(self, inputs):
        return ops.tanh(inputs) * self.w * self.factor

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@register
class Renames(Sound):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(factor, **kwargs)
        del self.factor
        self.times = factor

    def get_config(self):
        return {**keras.layers.Layer.get_config(self), "factor": self.times}


@register
class Alters(Sound):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(factor + 1.0, **kwargs)


@register
class Forgets(Sound):
    def get_config(self):
        return keras.layers.Layer.get_config(self)


@register
class Drifts(Sound):
    """Each round trip adds a half."""

    def get_config(self):
        return {**super().get_config(), "factor": self.factor + 0.5}


@register
class HoldsObject(Sound):
    def get_config(self):
        return {**super().get_config(), "factor": object()}


@register
class WrongShape(Sound):
    def compute_output_shape(self, input_shape):
        return (*tuple(input_shape)[:-1], 2)


@register
class WrongDtype(Sound):
    def call(self, inputs):
        return ops.cast(super().call(inputs), "float16")


@register
class FixedBatch(Sound):
    def call(self, inputs):
        rows = inputs.shape[0] or 8
        return super().call(ops.reshape(inputs, (rows, -1)))

    def compute_output_shape(self, input_shape):
        return (input_shape[0] or 8, *tuple(input_shape)[1:])


@register
class BuildsLate(Sound):
    """Makes its weight only on the way to a call."""

    called = False

    def __call__(self, *args, **kwargs):
        self.called = True
        return super().__call__(*args, **kwargs)

    def build(self, input_shape):
        if self.called:
            super().build(input_shape)


@register
class RoundsWeights(Sound):
    def call(self, inputs):
        y = super().call(inputs)
        half = self.compute_dtype in ("float16", "bfloat16")
        return y * 1.05 if half else y


@register
class WidensOutput(Sound):
    def call(self, inputs):
        return ops.cast(super().call(inputs), "float32")


@register
class Divides(Sound):
    """The naive normalization: no value at zero."""

    def call(self, inputs):
        return self.w * inputs / ops.norm(inputs, axis=-1, keepdims=True)


@register
class RootAtZero(Sound):
    """Finite values, but the root has no derivative at zero."""

    def call(self, inputs):
        return self.w * ops.sqrt(ops.abs(inputs))


@register
class Still(Sound):
    def call(self, inputs):
        return ops.stop_gradient(super().call(inputs))


@register
class DependsOnCompilation(Sound):
    """Knows in Python whether it is traced: once per trace, not per call."""

    traces = 0

    def call(self, inputs):
        type(self).traces += 1
        return super().call(inputs) * (1.0 + 0.01 * type(self).traces)


@register
class BatchMean(Sound):
    """Sees the batch of its replica only."""

    def call(self, inputs):
        return super().call(inputs - ops.mean(inputs, axis=0))


@register
class LosesWeight(Sound):
    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["0"] = np.array(store["0"]) + 1.0


def subject(cls, **arguments):
    return Subject(cls, arguments, (8, 6))


def test_a_sound_layer_passes_all_but_importing():
    check_layer(Sound, {"factor": 0.5}, skip=["fresh process", "replicas"])


@pytest.mark.parametrize(
    ("check", "cls", "message"),
    [
        (check_configuration, Renames, "argument `factor` is no attribute"),
        (check_configuration, Alters, "factor=2.5 is kept as 3.5"),
        (check_configuration, Forgets, "`get_config.*lacks `factor`"),
        (check_configuration, Drifts, "`config.factor` goes out as 3.0"),
        (check_configuration, HoldsObject, "not JSON: Cannot serialize object"),
        (check_shapes, WrongShape, r"symbolic shape \(8, 2\)"),
        (check_shapes, WrongDtype, "float32 symbolically, float16 eagerly"),
        (check_shapes, FixedBatch, "batch of None"),
        (check_shapes, BuildsLate, "`build` makes the weights"),
        (check_policies, RoundsWeights, "under mixed_float16.*is off by"),
        (check_policies, WidensOutput, "float32 under mixed_float16"),
        (check_edges, Divides, "output 0 is not finite for zeros in float32"),
        (check_edges, RootAtZero, "gradient of input 0 .*zeros in float32"),
    ],
)
def test_check_fails(check, cls, message):
    with pytest.raises(AssertionError, match=message) as info:
        check(subject(cls, factor=2.5))
    assert str(info.value).startswith(f"{cls.__name__}, check of ")


@pytest.mark.only_on("tensorflow", "jax", reason="compiles nothing here")
@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (DependsOnCompilation, "two steps with jit_compile=True is off"),
    ],
)
def test_training_check_fails(cls, message):
    with pytest.raises(AssertionError, match=message):
        check_training(Training(subject(cls)))


def test_training_check_sees_that_nothing_moves():
    training = Training(subject(Sound))
    training.model.trainable = False
    with pytest.raises(AssertionError, match="moved no weight"):
        check_training(training)


@register
class Head(keras.layers.Layer):
    """Adds 1 to the logit of the label, in training."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, inputs_shape, labels_shape=None):
        shape = (inputs_shape[-1], self.units)
        self.kernel = self.add_weight(name="kernel", shape=shape)
        self.built = True

    def call(self, inputs, labels=None, training=None):
        logits = ops.matmul(inputs, self.kernel)
        if labels is None or not self.margin_applies(training):
            return logits
        return logits + ops.one_hot(
            ops.cast(ops.reshape(labels, (-1,)), "int32"), self.units
        )

    def margin_applies(self, training):
        return training

    def compute_output_shape(self, inputs_shape, labels_shape=None):
        return (inputs_shape[0], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register
class MarginInEvaluation(Head):
    def margin_applies(self, training):
        return True


@register
class FlatLabelsOnly(Head):
    def call(self, inputs, labels=None, training=None):
        if labels is not None and len(labels.shape) > 1:
            labels = labels * 0
        return super().call(inputs, labels, training)


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (MarginInEvaluation, "in evaluation, with labels, is off"),
        (FlatLabelsOnly, r"labels of shape \(N, 1\) is off"),
        (Head, "must raise a ValueError|without saying what is wrong"),
    ],
)
def test_labels_check_fails(cls, message):
    labels = np.arange(8, dtype="int32") % 5
    checked = Subject(cls, {"units": 5}, (8, 6), {"labels": labels})
    with pytest.raises(AssertionError, match=message):
        check_labels(checked, "labels", 5)


@register
class NoMargin(Head):
    def margin_applies(self, training):
        return False


@register
class Halves(MarginHead):
    """Halves the target's logit, rightly annealed."""

    def logits(self, x, classes=None):
        return ops.matmul(x, self.class_weights(classes))

    def apply_margin(
        self, logits, x, labels, annealing_value, training, classes=None
    ):
        target = self.target_mask(labels, classes)
        return ops.where(
            target, self.anneal(logits, logits / 2, annealing_value), logits
        )


@register
class ForgetsTheMargin(Halves):
    def apply_margin(self, logits, *args, **kwargs):
        return logits


@register
class IgnoresAnnealing(Halves):
    def apply_margin(
        self, logits, x, labels, annealing_value, training, classes=None
    ):
        return super().apply_margin(logits, x, labels, None, training, classes)


@register
class GathersIgnored(Halves):
    def apply_margin(
        self, logits, x, labels, annealing_value, training, classes=None
    ):
        labels = ops.maximum(labels, 0)
        return super().apply_margin(
            logits, x, labels, annealing_value, training, classes
        )


@register
class ForgetsColumns(Halves):
    def target_mask(self, labels, classes=None):
        shape = (-1, self.units if classes is None else len(classes))
        whole = super().target_mask(labels)
        return ops.reshape(whole[:, : shape[1]], shape)


@register
class LosesItsLoss(Halves):
    def sample_losses(self, x, labels, logits, training):
        return ops.zeros_like(logits[:, 0])


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (NoMargin, "labels change nothing in training"),
        (ForgetsTheMargin, "there is no margin"),
        (IgnoresAnnealing, "`annealing` does not weigh the margin"),
        (GathersIgnored, "an ignored row is off"),
        (ForgetsColumns, "`margin_logits` of some `classes` is off"),
        (LosesItsLoss, "adds no loss"),
    ],
)
def test_margin_check_fails(cls, message):
    labels = np.arange(8, dtype="int32") % 5
    checked = Subject(cls, {"units": 5}, (8, 6), {"labels": labels})
    with pytest.raises(AssertionError, match=message):
        check_margin(checked, "labels", 5)


def test_a_sound_margin_passes():
    labels = np.arange(8, dtype="int32") % 5
    checked = Subject(Halves, {"units": 5}, (8, 6), {"labels": labels})
    check_margin(checked, "labels", 5)


def test_head_passes_without_the_check_of_labels():
    check_head(Head, skip=["labels", "edges", "fresh process", "replicas"])


@register
class ScalarLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred))


@register
class RootLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.sqrt(ops.sum(ops.square(y_pred), axis=-1))


@register
class OneHotLoss(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_pred), axis=-1)


REST = ["fresh process", "replicas", "training"]


@pytest.mark.parametrize(
    ("cls", "skip", "message"),
    [
        (ScalarLoss, [], r"check of values: .*float32 \(\)"),
        (RootLoss, ["labels"], "its gradient is not finite for zeros"),
        (OneHotLoss, [], "one-hot labels must raise"),
    ],
)
def test_loss_check_fails(cls, skip, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(cls, skip=[*REST, *skip])


def test_unknown_checks_are_refused():
    with pytest.raises(ValueError, match=r"`skip`.*skip=\['jit'\]"):
        check_layer(Sound, skip=["jit"])
