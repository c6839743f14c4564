"""What is raised for a layer that cannot be converted."""

from collections.abc import Sequence

from keras_hypersphere.caffe_format.errors import NetworkError


class UnsupportedLayerError(NetworkError):
    """A layer's type, or one of its settings, has no converter.

    Args:
        message, file, layer, type: Of `NetworkError`.
        supported: The types that can be converted.
        advice: Of `NetworkError`.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        layer: str | None = None,
        type: str | None = None,
        supported: Sequence[str] = (),
        advice: Sequence[str] = (),
    ) -> None:
        super().__init__(message, file, layer, type, advice)
        self.supported = tuple(supported)
