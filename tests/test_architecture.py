"""The layout is the architecture: imports run down, rooms stay small."""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STOREYS = {
    "keras_hypersphere": ROOT / "keras_hypersphere",
    "keras_hypersphere.zoo": ROOT / "zoo",
    "keras_hypersphere.tools": ROOT / "tools",
}
UPPER = {
    "keras_hypersphere": ("keras_hypersphere.zoo", "keras_hypersphere.tools"),
    "keras_hypersphere.zoo": ("keras_hypersphere.tools",),
    "keras_hypersphere.tools": (),
}
# The two doors through which the upper storeys may be seen from below.
DOORS = {
    ROOT / "keras_hypersphere" / "__init__.py",
    ROOT / "keras_hypersphere" / "__main__.py",
}
BACKENDS = {"tensorflow", "tf", "jax", "jaxlib", "torch"}
# The one package of the core that names them.
BACKEND = ROOT / "keras_hypersphere" / "backend"
# What `import keras_hypersphere` must not load.
HEAVY = {"cv2", "sklearn", "mtcnn", "matplotlib", "scipy"}


def files():
    return [
        pytest.param(storey, path, id=str(path.relative_to(ROOT)))
        for storey, folder in STOREYS.items()
        for path in sorted(folder.rglob("*.py"))
    ]


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
    return imported(
        ast.Module(
            [
                n
                for n in tree.body
                if isinstance(n, ast.Import | ast.ImportFrom)
            ],
            [],
        )
    )


def within(name, package):
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("storey", "path"), files())
def test_imports_run_down(storey, path):
    if path in DOORS:
        return
    names = set(imported(ast.parse(path.read_text())))
    upward = [n for n in names for u in UPPER[storey] if within(n, u)]
    assert not upward


@pytest.mark.parametrize(("storey", "path"), files())
def test_core_names_no_backend(storey, path):
    if storey != "keras_hypersphere" or path.parent == BACKEND:
        return
    names = imported(ast.parse(path.read_text()))
    assert not {n.split(".")[0] for n in names} & BACKENDS


@pytest.mark.parametrize(("storey", "path"), files())
def test_core_loads_heavy_libraries_late(storey, path):
    if storey != "keras_hypersphere":
        return
    names = top_level_imports(ast.parse(path.read_text()))
    heavy = {n.split(".")[0] for n in names} & HEAVY
    # Only `evaluation` may need scikit-learn as a whole; nobody imports the
    # room before it is used.
    if path.parent.name == "evaluation":
        heavy -= {"sklearn", "scipy"}
    assert not heavy


@pytest.mark.parametrize(("storey", "path"), files())
def test_files_import_files_not_rooms(storey, path):
    """`registration` may run in the middle of a room's own import."""
    if storey != "keras_hypersphere" or path.name == "__init__.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        if not within(node.module, "keras_hypersphere"):
            continue
        folder = ROOT.joinpath(*node.module.split("."))
        if not folder.is_dir():
            continue
        for alias in node.names:
            target = folder / alias.name
            assert target.is_dir() or target.with_suffix(".py").exists(), (
                f"{node.module}.{alias.name}: name the file that has it"
            )


@pytest.mark.parametrize(("storey", "path"), files())
def test_a_file_has_one_purpose(storey, path):
    assert path.stem not in {"utils", "misc", "common", "helpers"}
    assert len(path.read_text().splitlines()) <= 400


def test_the_backend_rule_can_fail():
    tree = ast.parse("def f():\n    from tensorflow.data import Dataset\n")
    assert {n.split(".")[0] for n in imported(tree)} & BACKENDS


@pytest.mark.parametrize(
    "house", ["keras_hypersphere.zoo", "keras_hypersphere.tools.caffe"]
)
def test_rooms_import_no_circles(house):
    storey = max((s for s in STOREYS if within(house, s)), key=len)
    folder = STOREYS[storey].joinpath(*house[len(storey) + 1 :].split("."))
    rooms = {p.parent.name for p in folder.glob("*/__init__.py")}
    assert len(rooms) > 3
    below = {
        room: {
            other
            for path in (folder / room).glob("*.py")
            for name in imported(ast.parse(path.read_text()))
            for other in rooms - {room}
            if within(name, f"{house}.{other}")
        }
        for room in rooms
    }
    assert list(graphlib.TopologicalSorter(below).static_order())
