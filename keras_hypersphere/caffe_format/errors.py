"""What is raised when a file is not what Caffe would have written."""

from collections.abc import Sequence


class NetworkError(ValueError):
    """Something is wrong with a network of Caffe.

    Args:
        message: What is wrong and how to fix it.
        file: Path of the file, put before the message.
        layer: Name of the layer that is wrong, if one is.
        type: Caffe type of that layer.
        advice: Words of the command line of which each helps, as
            `"--outputs ip1"`; the message names them too.
    """

    def __init__(
        self,
        message: str,
        file: str | None = None,
        layer: str | None = None,
        type: str | None = None,
        advice: Sequence[str] = (),
    ) -> None:
        where = f"{file}: " if file else ""
        if layer is not None:
            where += f"layer {layer!r}" + (f" ({type}): " if type else ": ")
        super().__init__(one_line(where + message))
        self.message = message
        self.file = file
        self.layer = layer
        self.type = type
        self.advice = tuple(advice)


def one_line(text: str) -> str:
    """A text whose signs can be printed: names in damaged files cannot."""
    return "".join(
        sign if sign.isprintable() else repr(sign)[1:-1] for sign in text
    )


class CaffeFormatError(NetworkError):
    """A Caffe file, or the network in it, is broken; see `NetworkError`."""
