"""Class weights that a head is lent instead of columns of its own kernel.

A softmax in chunks differentiates by the columns of one chunk: taken from
the kernel inside of the head, each chunk's gradient would be as large as the
kernel. Replicas are threads on one head, so each thread has its own.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

_lent = threading.local()


@contextlib.contextmanager
def lend(head: Any, weights: Any) -> Iterator[None]:
    """Lets `head.class_weights(classes)` be `weights`, (d, K)."""
    before = getattr(_lent, "loan", None)
    loan = _lent.loan = _Loan(head, weights)
    try:
        yield
        if not loan.used:
            raise ValueError(
                f"`logits` of {type(head).__name__} must take the columns of "
                "`classes` from `self.class_weights(classes)`. Received: a "
                "head that reads its kernel in another way."
            )
    finally:
        _lent.loan = before


def of(head: Any) -> Any:
    """The weights that are lent to a head now, or None."""
    loan = getattr(_lent, "loan", None)
    if loan is None or loan.head is not head:
        return None
    loan.used = True
    return loan.weights


class _Loan:
    def __init__(self, head: Any, weights: Any) -> None:
        self.head, self.weights, self.used = head, weights, False
