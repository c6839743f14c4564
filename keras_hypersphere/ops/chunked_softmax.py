"""The softmax cross-entropy of many classes, some columns at a time.

`L_i = log(sum_j exp(f_ij)) - f_iy` needs no (N, C) matrix: a pass over the
classes keeps each row's largest logit and the sum of exponentials so far. The
gradient, `(softmax(f)_ij - [j = y]) df_ij`, is a second pass that computes
the logits again: four products with the kernel instead of three.
"""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_hypersphere.backend import column_chunks
from keras_hypersphere.backend.derivatives import pull_back
from keras_hypersphere.ops import columns
from keras_hypersphere.ops.larger import larger
from keras_hypersphere.ops.log_sums import LOWEST

Tensor = Any
# (kernel, x, weights, others, classes) -> logits, and plain logits, of these
# classes, by their weights; the whole kernel is a constant.
Logits = Callable[..., tuple[Tensor, Tensor]]


def cross_entropy(
    logits_of: Logits,
    x: Tensor,
    kernel: Tensor,
    others: list[Tensor],
    labels: Tensor,
    units: int,
    chunk: int,
) -> tuple[Tensor, Tensor]:
    """(N,) losses, and the (N,) classes of the largest plain logits.

    Args:
        logits_of: logits of a chunk of classes, from its columns.
        x: `(N, d)`.
        kernel: `(d, units * m)`, m columns for each class.
        others: what else the logits depend on and learn from.
        labels: `(N,)` int32, a negative one is no class.
        units: int, number of classes.
        chunk: int, the most classes at a time.
    """
    softmax = _Softmax(logits_of, labels, units, chunk)

    @ops.custom_gradient
    def losses(
        x: Tensor, kernel: Tensor, *others: Tensor
    ) -> tuple[Tensor, Any]:
        total, target, best = softmax.forward(x, kernel, list(others))

        def grad(*arguments: Tensor, upstream: Tensor = None) -> tuple:
            if upstream is None:
                (upstream,) = arguments
            x_, kernel_, others_ = x, kernel, list(others)
            return softmax.backward(x_, kernel_, others_, total, upstream[0])

        # One output: what Keras does on PyTorch knows no more. The number of
        # a class is exact up to 2^24.
        return ops.stack([total - target, ops.cast(best, x.dtype)]), grad

    both = losses(x, kernel, *others)
    return both[0], ops.cast(ops.stop_gradient(both[1]), "int32")


class _Softmax:
    """The two passes."""

    def __init__(
        self, logits_of: Logits, labels: Tensor, units: int, chunk: int
    ) -> None:
        self.logits_of = logits_of
        self.labels = labels
        self.units = units
        self.chunk = chunk

    def forward(
        self, x: Tensor, kernel: Tensor, others: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """(N,) logarithms of sums, target logits, and best classes."""
        wide = kernel.shape[1] // self.units

        def add(first: Any, size: int, state: tuple) -> tuple:
            top, total, target, highest, best = state
            weights = column_chunks.part(kernel, first * wide, size * wide)
            classes = first + ops.arange(size, dtype="int32")
            logits, plain = self.logits_of(kernel, x, weights, others, classes)
            own = columns.mask(self.labels, self.units, classes)
            largest = larger(top, ops.max(logits, axis=1))
            here = ops.sum(ops.exp(logits - largest[:, None]), axis=1)
            total = total * ops.exp(top - largest) + here
            target = target + columns.gather(logits, own)[:, 0]
            peak = ops.max(plain, axis=1)
            # The first of the largest, as an argmax has it: one that the
            # compilers make no slow loop of.
            found = ops.where(plain >= peak[:, None], classes, self.units)
            found = ops.cast(ops.min(found, axis=1), "int32")
            better = peak > highest
            best = ops.where(better, found, best)
            highest = ops.where(better, peak, highest)
            return largest, total, target, highest, best

        start = ops.zeros_like(x[:, 0])
        top = ops.full_like(start, LOWEST)
        best = ops.zeros_like(self.labels)
        state = (top, ops.zeros_like(start), ops.zeros_like(start), top, best)
        top, total, target, _, best = column_chunks.over_chunks(
            add, self.units, self.chunk, state
        )
        return top + ops.log(total), target, best

    def backward(
        self,
        x: Tensor,
        kernel: Tensor,
        others: list[Tensor],
        total: Tensor,
        upstream: Tensor,
    ) -> tuple[Tensor, ...]:
        """Gradients by x, kernel and others."""
        wide = kernel.shape[1] // self.units

        def add(first: Any, size: int, state: tuple) -> tuple:
            by_x, by_kernel, by_others = state
            weights = column_chunks.part(kernel, first * wide, size * wide)
            classes = first + ops.arange(size, dtype="int32")
            own = columns.mask(self.labels, self.units, classes)

            def logits(x: Tensor, weights: Tensor, *others: Tensor) -> Tensor:
                return self.logits_of(
                    kernel, x, weights, list(others), classes
                )[0]

            def slope(logits: Tensor) -> Tensor:
                share = ops.exp(logits - total[:, None])
                share = share - ops.cast(own, share.dtype)
                return share * upstream[:, None]

            here, columns_, *rest = pull_back(
                logits, [x, weights, *others], slope
            )
            by_kernel = column_chunks.written(by_kernel, first * wide, columns_)
            by_others = [a + b for a, b in zip(by_others, rest, strict=True)]
            return by_x + here, by_kernel, by_others

        start = (
            ops.zeros_like(x),
            column_chunks.empty_like(kernel),
            [ops.zeros_like(other) for other in others],
        )
        by_x, by_kernel, by_others = column_chunks.over_chunks(
            add, self.units, self.chunk, start
        )
        return by_x, column_chunks.filled(by_kernel), *by_others
