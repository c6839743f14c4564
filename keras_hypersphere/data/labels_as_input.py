"""Labels on their way to a model that takes them as an input."""

from typing import Any

import keras


def labels_as_input(dataset: Any, label_name: str = "label") -> Any:
    """Turns `(x, y)` into `({"image": x, "label": y}, y)`.

    That is what a model of `kh.models.with_head` takes. Sample weights, a
    third element, stay where they are.

    Args:
        dataset: `tf.data.Dataset` or `keras.utils.PyDataset` of such tuples,
            a tuple of arrays, or any iterable of batches (which becomes a
            generator).
        label_name: String, key of the labels. Defaults to `"label"`.

    Returns:
        The same kind of object.

    Raises:
        ValueError: For an element that is not a pair or a triple.

    Example:

    >>> x, y = np.zeros((4, 28, 28)), np.arange(4)
    >>> inputs, labels = kh.data.labels_as_input((x, y))
    >>> sorted(inputs)
    ['image', 'label']

    Reference:
        SphereFace and NormFace give labels to the head as its second bottom;
        Keras takes several inputs as a dictionary.
    """

    def as_input(*element: Any) -> tuple[Any, ...]:
        if len(element) not in (2, 3):
            raise ValueError(
                "Every element of `dataset` must be (x, y) or (x, y, "
                f"sample_weight). Received: {len(element)} parts."
            )
        x, y, *weights = element
        return ({"image": x, label_name: y}, y, *weights)

    if isinstance(dataset, keras.utils.PyDataset):
        return LabelsAsInput(dataset, as_input)
    if isinstance(dataset, tuple):
        return as_input(*dataset)
    if callable(getattr(dataset, "map", None)):  # tf.data.Dataset
        return dataset.map(as_input)
    return (as_input(*element) for element in dataset)


class LabelsAsInput(keras.utils.PyDataset):
    """A PyDataset whose labels are inputs too."""

    def __init__(self, dataset: keras.utils.PyDataset, as_input: Any) -> None:
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset = dataset
        self.as_input = as_input

    @property
    def num_batches(self) -> int | None:
        """Batches in an epoch."""
        return self.dataset.num_batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return self.as_input(*self.dataset[index])

    def on_epoch_begin(self) -> None:
        """Hands the epoch's begin on."""
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Hands the epoch's end on."""
        self.dataset.on_epoch_end()
