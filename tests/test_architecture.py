"""The layout is the architecture: imports run down, files stay small.

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
TOP_LEVEL = {
    CORE: ROOT / "keras_hypersphere",
    f"{CORE}.zoo": ROOT / "zoo",
    f"{CORE}.tools": ROOT / "tools",
}
UPPER = {
    CORE: (f"{CORE}.zoo", f"{CORE}.tools"),
    f"{CORE}.zoo": (f"{CORE}.tools",),
    f"{CORE}.tools": (),
}
# The two entry points of the core to what stands above it.
ENTRY_POINTS = {
    TOP_LEVEL[CORE] / "__init__.py",
    TOP_LEVEL[CORE] / "__main__.py",
}
BACKENDS = {"tensorflow", "tf", "jax", "jaxlib", "torch"}
# The one package of the core that names them.
BACKEND = TOP_LEVEL[CORE] / "backend"
# What `import keras_hypersphere` must not load.
HEAVY = {"cv2", "sklearn", "mtcnn", "matplotlib", "scipy"}


@functools.cache
def files(package):
    found = sorted(TOP_LEVEL[package].rglob("*.py"))
    assert len(found) > 50, f"too few files of {package}: {len(found)}"
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


def offenders(broken, *packages):
    """`broken(path)` lists what is wrong in a file: all of it, a line each."""
    return [
        f"{path.relative_to(ROOT)}: {what}"
        for package in packages
        for path in files(package)
        for what in sorted(broken(path))
    ]


@pytest.mark.parametrize("package", TOP_LEVEL)
def test_imports_run_down(package):
    def upward(path):
        return {
            name
            for name in imported(parsed(path))
            for upper in UPPER[package]
            if within(name, upper) and path not in ENTRY_POINTS
        }

    assert not offenders(upward, package)


def test_core_names_no_backend():
    def backends(path):
        named = tops(imported(parsed(path))) & BACKENDS
        return set() if path.parent == BACKEND else named

    assert not offenders(backends, CORE)


def test_core_loads_heavy_libraries_late():
    def heavy(path):
        names = tops(top_level_imports(parsed(path))) & HEAVY
        # Only `evaluation` may need scikit-learn as a whole; nobody imports
        # the package before it is used.
        folder = path.parent.name
        return names - (
            {"sklearn", "scipy"} if folder == "evaluation" else set()
        )

    assert not offenders(heavy, CORE)


def test_files_import_files_not_packages():
    """`registration` may run in the middle of a package's own import."""

    def whole_packages(path):
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

    assert not offenders(whole_packages, CORE)


def test_a_file_has_one_purpose():
    def sprawling(path):
        if path.stem in {"utils", "misc", "common", "helpers"}:
            yield "name it after what it does"
        if (lines := len(path.read_text().splitlines())) > 400:
            yield f"{lines} lines"

    assert not offenders(sprawling, *TOP_LEVEL)


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
        for package in TOP_LEVEL
        for path in files(package)
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

    assert not offenders(theirs, *TOP_LEVEL)


def test_the_backend_rule_can_fail():
    tree = ast.parse("def f():\n    from tensorflow.data import Dataset\n")
    assert tops(imported(tree)) & BACKENDS


def needs(package):
    """The modules of a package, and those of it that each names.

    Wherever the import stands: in a function and for a type checker it says
    as well that one file cannot be understood without the other.
    """
    modules = {}
    for path in files(package):
        parts = path.relative_to(TOP_LEVEL[package]).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        modules[".".join((package, *parts))] = path
    return {
        name: modules.keys()
        & set(imported(parsed(path)))
        - {name}
        # A package whose names its own `__init__` gives away.
        - {".".join(name.split(".")[:n]) for n in range(1, name.count(".") + 1)}
        for name, path in modules.items()
    }


def test_no_two_files_need_each_other():
    found = needs(f"{CORE}.zoo")
    assert found[f"{CORE}.zoo.faces.embedder"]
    assert list(graphlib.TopologicalSorter(found).static_order())


def test_the_circle_rule_can_fail():
    found = needs(f"{CORE}.zoo")
    found[f"{CORE}.zoo.faces.gallery"].add(f"{CORE}.zoo.faces.embedder")
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(found).static_order())


@pytest.mark.parametrize("parent", [f"{CORE}.zoo", f"{CORE}.tools.caffe"])
def test_children_import_no_circles(parent):
    package = max((s for s in TOP_LEVEL if within(parent, s)), key=len)
    folder = TOP_LEVEL[package].joinpath(*parent[len(package) + 1 :].split("."))
    children = {p.parent.name for p in folder.glob("*/__init__.py")}
    assert len(children) > 3
    below = {
        child: {
            other
            for path in (folder / child).glob("*.py")
            for name in imported(parsed(path))
            for other in children - {child}
            if within(name, f"{parent}.{other}")
        }
        for child in children
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


@pytest.mark.parametrize("package", TOP_LEVEL)
def test_a_bare_checkout_is_the_whole_package(package, tmp_path):
    """On PYTHONPATH nothing of it comes from a copy that is installed."""
    code = f"{OTHER_COPY}\nimport {package}\nprint({package}.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert not found.returncode, found.stderr[-2000:]
    wanted = ROOT.joinpath(*package.split("."), "__init__.py")
    assert found.stdout.splitlines()[-1] == str(wanted)
    assert wanted.resolve() == (TOP_LEVEL[package] / "__init__.py").resolve()
