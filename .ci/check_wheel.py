"""Checks that a wheel has one top-level package and every file of the tree."""

import pathlib
import sys
import zipfile

ROOMS = {
    "keras_hypersphere": "keras_hypersphere",
    "zoo": "keras_hypersphere/zoo",
    "tools": "keras_hypersphere/tools",
}

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
tops = {n.split("/")[0] for n in names if ".dist-info/" not in n}
wanted = {
    f"{inside}/{path.relative_to(folder).as_posix()}"
    for folder, inside in ROOMS.items()
    for path in pathlib.Path(folder).rglob("*")
    if path.is_file() and path.suffix != ".pyc"
}
missing = sorted(wanted - names)
if tops != {"keras_hypersphere"} or missing:
    sys.exit(f"error: top-level names {sorted(tops)}, missing {missing}")
print(f"{sys.argv[1].rsplit('/', 1)[-1]}: one package, {len(wanted)} files")
