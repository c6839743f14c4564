"""Checks that a wheel has one top-level package and the files of the tree."""

import pathlib
import sys
import zipfile

# `rglob` follows no links.
PACKAGES = {
    "keras_hypersphere": "keras_hypersphere",
    "zoo": "keras_hypersphere/zoo",
    "tools": "keras_hypersphere/tools",
}

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
found = {name for name in names if ".dist-info/" not in name}
wanted = {
    f"{inside}/{path.relative_to(folder).as_posix()}"
    for folder, inside in PACKAGES.items()
    for path in pathlib.Path(folder).rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}
if found != wanted:
    sys.exit(
        f"error: missing {sorted(wanted - found)}, "
        f"not of the tree {sorted(found - wanted)}"
    )
print(f"{sys.argv[1].rsplit('/', 1)[-1]}: one package, {len(wanted)} files")
