"""Draws the pictures of the pages: `make pictures`.

`python -m docs.pictures [NAME …] [-o FOLDER] [--png]`, from the root of the
checkout. Every number in them comes from an object of the library.
"""

import argparse
from pathlib import Path

from docs.pictures import style
from docs.pictures.catalog import PICTURES, file_name


def draw(names: list[str], folder: Path, png: bool = False) -> list[Path]:
    """Writes the pictures named, all without names, and returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with style.rules():
        for name in names or PICTURES:
            file = f"{name}.png" if png else file_name(name)
            paths.append(folder / file)
            style.save(PICTURES[name](), paths[-1])
    return paths


def main() -> None:
    """Reads the command line and draws."""
    parser = argparse.ArgumentParser(
        prog="python -m docs.pictures", description=__doc__.splitlines()[0]
    )
    # `choices` would refuse the empty list of `nargs="*"`.
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("-o", type=Path, default=Path(__file__).parent)
    parser.add_argument(
        "--png", action="store_true", help="PNG, whatever it is"
    )
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(PICTURES))
    if unknown:
        parser.error(f"no picture named {', '.join(unknown)}")
    for path in draw(arguments.names, arguments.o, arguments.png):
        print(path)


if __name__ == "__main__":
    main()
