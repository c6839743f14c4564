"""The layout is the architecture: imports run down, rooms stay small.

One test a rule; it lists every file that breaks it.
"""

import ast
import functools
import graphlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CORE = "keras_hypersphere"
STOREYS = {
    CORE: ROOT / "keras_hypersphere",
    f"{CORE}.zoo": ROOT / "zoo",
    f"{CORE}.tools": ROOT / "tools",
}
UPPER = {
    CORE: (f"{CORE}.zoo", f"{CORE}.tools"),
    f"{CORE}.zoo": (f"{CORE}.tools",),
    f"{CORE}.tools": (),
}
# The two doors through which the upper storeys may be seen from below.
DOORS = {STOREYS[CORE] / "__init__.py", STOREYS[CORE] / "__main__.py"}
BACKENDS = {"tensorflow", "tf", "jax", "jaxlib", "torch"}
# The one package of the core that names them.
BACKEND = STOREYS[CORE] / "backend"
# What `import keras_hypersphere` must not load.
HEAVY = {"cv2", "sklearn", "mtcnn", "matplotlib", "scipy"}


@functools.cache
def files(storey):
    found = sorted(STOREYS[storey].rglob("*.py"))
    assert len(found) > 50, f"too few files of {storey}: {len(found)}"
    return found


@functools.cache
def parsed(path):
    return ast.parse(path.read_text())


def imported(tree):
    """Yields every module name that an import statement of `tree` touches."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_level_imports(tree):
    statements = (ast.Import, ast.ImportFrom)
    return imported(
        ast.Module([n for n in tree.body if isinstance(n, statements)], [])
    )


def tops(names):
    return {name.split(".")[0] for name in names}


def within(name, package):
    return name == package or name.startswith(package + ".")


def offenders(broken, *storeys):
    """`broken(path)` lists what is wrong in a file: all of it, a line each."""
    return [
        f"{path.relative_to(ROOT)}: {what}"
        for storey in storeys
        for path in files(storey)
        for what in sorted(broken(path))
    ]


@pytest.mark.parametrize("storey", STOREYS)
def test_imports_run_down(storey):
    def upward(path):
        return {
            name
            for name in imported(parsed(path))
            for upper in UPPER[storey]
            if within(name, upper) and path not in DOORS
        }

    assert not offenders(upward, storey)


def test_core_names_no_backend():
    def backends(path):
        named = tops(imported(parsed(path))) & BACKENDS
        return set() if path.parent == BACKEND else named

    assert not offenders(backends, CORE)


def test_core_loads_heavy_libraries_late():
    def heavy(path):
        names = tops(top_level_imports(parsed(path))) & HEAVY
        # Only `evaluation` may need scikit-learn as a whole; nobody imports
        # the room before it is used.
        room = path.parent.name
        return names - ({"sklearn", "scipy"} if room == "evaluation" else set())

    assert not offenders(heavy, CORE)


def test_files_import_files_not_rooms():
    """`registration` may run in the middle of a room's own import."""

    def rooms(path):
        for node in ast.walk(parsed(path)):
            if path.name == "__init__.py":
                continue
            if not isinstance(node, ast.ImportFrom):
                continue
            if not within(node.module, CORE):
                continue
            folder = ROOT.joinpath(*node.module.split("."))
            for alias in node.names if folder.is_dir() else ():
                target = folder / alias.name
                if not (target.is_dir() or target.with_suffix(".py").exists()):
                    yield f"{node.module}.{alias.name}: name its file"

    assert not offenders(rooms, CORE)


def test_a_file_has_one_purpose():
    def sprawling(path):
        if path.stem in {"utils", "misc", "common", "helpers"}:
            yield "name it after what it does"
        if (lines := len(path.read_text().splitlines())) > 400:
            yield f"{lines} lines"

    assert not offenders(sprawling, *STOREYS)


INTERNALS = BACKEND / "keras_internals.py"
# Of the standard library, documented.
OPEN = {"_replace", "_asdict", "_fields", "_current_frames", "_exit"}


def private(name):
    return name.startswith("_") and not name.startswith("__")


def defined(path):
    """Private names that a file gives to something of its own."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(
            node.ctx, ast.Store
        ):
            yield node.attr


def test_private_names_of_others_stand_in_one_file():
    """A private name that is nowhere given is another library's."""
    ours = {
        name
        for storey in STOREYS
        for path in files(storey)
        if path != INTERNALS
        for name in defined(path)
    }

    def theirs(path):
        return {
            node.attr
            for node in ast.walk(parsed(path))
            if isinstance(node, ast.Attribute)
            and path != INTERNALS
            and private(node.attr)
            and node.attr not in ours | OPEN
        }

    assert not offenders(theirs, *STOREYS)


def test_the_backend_rule_can_fail():
    tree = ast.parse("def f():\n    from tensorflow.data import Dataset\n")
    assert tops(imported(tree)) & BACKENDS


@pytest.mark.parametrize("house", [f"{CORE}.zoo", f"{CORE}.tools.caffe"])
def test_rooms_import_no_circles(house):
    storey = max((s for s in STOREYS if within(house, s)), key=len)
    folder = STOREYS[storey].joinpath(*house[len(storey) + 1 :].split("."))
    rooms = {p.parent.name for p in folder.glob("*/__init__.py")}
    assert len(rooms) > 3
    below = {
        room: {
            other
            for path in (folder / room).glob("*.py")
            for name in imported(parsed(path))
            for other in rooms - {room}
            if within(name, f"{house}.{other}")
        }
        for room in rooms
    }
    assert list(graphlib.TopologicalSorter(below).static_order())


# What an editable install of another checkout leaves in a Python.
OTHER_COPY = """
import sys

class OtherCopy:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.split(".")[0] == "keras_hypersphere":
            raise AssertionError(f"{name} would come from the other copy")

sys.meta_path.append(OtherCopy)
"""


@pytest.mark.parametrize("storey", STOREYS)
def test_a_bare_checkout_is_the_whole_package(storey, tmp_path):
    """On PYTHONPATH nothing of it comes from a copy that is installed."""
    code = f"{OTHER_COPY}\nimport {storey}\nprint({storey}.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert not found.returncode, found.stderr[-2000:]
    wanted = ROOT.joinpath(*storey.split("."), "__init__.py")
    assert found.stdout.splitlines()[-1] == str(wanted)
    assert wanted.resolve() == (STOREYS[storey] / "__init__.py").resolve()
