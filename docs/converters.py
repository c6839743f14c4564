"""The table of supported layers in docs/converting.md, from the code."""


def table() -> str:
    """A row is a Caffe layer type and its converter's docstring's first line.

    Types that share a converter share a row.
    """
    from keras_hypersphere.tools.caffe import supported_layers
    from keras_hypersphere.tools.caffe.layer_type import find_converter

    types: dict[object, list[str]] = {}
    for type in supported_layers():
        types.setdefault(find_converter(type), []).append(f"`{type}`")
    rows = [
        f"| {', '.join(names)} | {converter.__doc__.splitlines()[0]} |"
        for converter, names in types.items()
    ]
    return "\n".join(["| Caffe layer | in Keras |", "|---|---|", *rows, ""])
