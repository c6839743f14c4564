"""The table of supported layers in docs/converting.md, from the code."""


def table() -> str:
    """A row is a Caffe layer type and its emitter's docstring's first line.

    Types that share an emitter share a row.
    """
    from keras_hypersphere.tools.caffe import supported_layers
    from keras_hypersphere.tools.caffe.registry import find_emitter

    types: dict[object, list[str]] = {}
    for type in supported_layers():
        types.setdefault(find_emitter(type), []).append(f"`{type}`")
    rows = [
        f"| {', '.join(names)} | {emitter.__doc__.splitlines()[0]} |"
        for emitter, names in types.items()
    ]
    return "\n".join(["| Caffe layer | in Keras |", "|---|---|", *rows, ""])
