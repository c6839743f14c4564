"""`python -m docs.converters`: the table of supported layers, from the code.

A row is a Caffe layer type and the first line of its emitter's docstring. The
table stands between two comments in docs/converting.md.
"""

import sys
from pathlib import Path

PAGE = Path(__file__).parent / "converting.md"
BEGIN = "<!-- supported layers: python -m docs.converters -->\n"
END = "<!-- end of supported layers -->\n"


def table() -> str:
    """Types that share an emitter share a row."""
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


def replace(page: str) -> str:
    """The page with the table as it is now."""
    before, rest = page.split(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]


def main() -> int:
    """Writes the page."""
    PAGE.write_text(replace(PAGE.read_text()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
