"""What is raised when a file is not what Caffe would have written."""


class CaffeFormatError(ValueError):
    """A Caffe file, or the network in it, is broken.

    Args:
        message: What is wrong and how to fix it.
        file: Path of the file, put before the message.
        layer: Name of the layer that is wrong, if one is.
        type: Caffe type of that layer.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        layer: str | None = None,
        type: str | None = None,
    ) -> None:
        where = f"{file}: " if file else ""
        if layer is not None:
            where += f"layer {layer!r}" + (f" ({type}): " if type else ": ")
        super().__init__(where + message)
        self.message = message
        self.file = file
        self.layer = layer
        self.type = type
