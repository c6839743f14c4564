"""What is raised for a layer that cannot be converted."""


class UnsupportedLayerError(ValueError):
    """A layer's type, or one of its settings, has no converter.

    Args:
        message: What is not supported.
        file: Path of the prototxt.
        layer: Name of the layer.
        type: Its Caffe type.
        supported: The types that can be converted.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        layer: str | None = None,
        type: str | None = None,
        supported: tuple[str, ...] = (),
    ) -> None:
        where = f"{file}: " if file else ""
        if layer is not None:
            where += f"layer {layer!r} ({type}): "
        super().__init__(where + message)
        self.message = message
        self.file = file
        self.layer = layer
        self.type = type
        self.supported = supported
