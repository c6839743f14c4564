"""The API pages: one for each public object, from its docstring.

The pages are written into `docs/api` when Sphinx starts. Docstrings are in the
style of Keras: sections as Google has them, code between single backticks,
links as in Markdown. What reStructuredText reads in another way is
translated here; and where a guide or a docstring names a public object, that
is a link.
"""

import functools
import inspect
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

from docs.objects import PACKAGE, Page, pages

DOCS = Path(__file__).parent
FOLDER = DOCS / "api"
# Keras's own methods are in Keras's own documentation.
FOREIGN = (
    "Layer, Loss, Model, Callback, PyDataset, SGD, LearningRateSchedule, "
    "Initializer, Constraint, Exception, tuple, object"
)
# Their class says all; the methods are for heads of your own: `MarginHead`.
WITHOUT_INHERITED = ("layers", "losses", "addons")


@functools.cache
def targets() -> dict[str, str]:
    """What a text may call an object: its full name."""
    found = {}
    for page in pages():
        if page.name:
            found[f"kh.{page.path}"] = found[page.path] = page.full
            # A short name that two objects have is no name.
            known = found.get(page.name, page.full)
            found[page.name] = page.full if known == page.full else ""
    # Words of prose, and what others call so too.
    common = [name for name in found if name.islower() and "_" not in name]
    common = [name for name in common if "." not in name]
    return {
        name: full
        for name, full in found.items()
        if full and name not in common
    }


@functools.cache
def guides() -> dict[str, str]:
    """The guide of a layer or a loss, by its name."""
    found = {}
    for folder in ("layers", "losses"):
        for path in sorted((DOCS / folder).glob("*.md")):
            title = path.read_text().split("\n", 1)[0].removeprefix("# ")
            for name in title.split(", "):
                found[f"{folder}.{name}"] = f"/{folder}/{path.stem}"
    return found


def text_of(page: Page) -> str:
    """The source of a page."""
    title = f"kh.{page.path}"
    head = f"{title}\n{'=' * len(title)}\n\n"
    if page.name:
        return head + text_of_object(page)
    inside = [one for one in pages() if one.module == page.module and one.name]
    inside += [
        one
        for one in pages()
        if not one.name and one.module.rpartition(".")[0] == page.module
    ]
    rows = "".join(
        f"   * - :doc:`{one.name or one.module} </api/{one.path}>`\n"
        f"     - {translate(one.summary)}\n"
        for one in inside
    )
    return (
        f"{head}{translate(page.summary)}\n\n.. list-table::\n"
        f"   :widths: 35 65\n   :class: api\n\n{rows}\n{toctree(inside)}"
    )


def text_of_object(page: Page) -> str:
    """A class or a function."""
    options = ""
    kind = "function"
    if inspect.isclass(page.value):
        error = issubclass(page.value, BaseException)
        kind = "exception" if error else "class"
        options = "   :members:\n   :member-order: bysource\n"
        if page.module.split(".")[0] not in WITHOUT_INHERITED:
            options += f"   :inherited-members: {FOREIGN}\n"
    # One that two modules export is indexed once.
    first = next(one for one in pages() if one.value is page.value)
    options += "" if first is page else "   :no-index:\n"
    guide = guides().get(page.path)
    also = f"Guide with pictures: :doc:`{guide}`.\n" if guide else ""
    return (
        f".. currentmodule:: {PACKAGE}.{page.module}\n\n"
        f".. auto{kind}:: {page.name}\n{options}\n{also}"
    )


def toctree(inside: list[Page]) -> str:
    """The pages below one."""
    lines = "".join(
        f"   {one.name or one.module} </api/{one.path}>\n" for one in inside
    )
    return f".. toctree::\n   :hidden:\n\n{lines}"


def index() -> str:
    """The page above all modules."""
    modules = [p for p in pages() if not p.name and "." not in p.module]
    rows = "".join(
        f"   * - :doc:`kh.{one.path} </api/{one.path}>`\n"
        f"     - {translate(one.summary)}\n"
        for one in modules
    )
    lines = "".join(f"   kh.{one.path} </api/{one.path}>\n" for one in modules)
    return (
        "API reference\n=============\n\n"
        "Every public object, from its docstring. "
        "``import keras_hypersphere as kh`` imports none of them before it is "
        "used. The search finds names too, and the :ref:`index <genindex>` "
        "has all of them.\n\n"
        f".. list-table::\n   :widths: 30 70\n   :class: api\n\n{rows}\n"
        f".. toctree::\n   :hidden:\n\n{lines}"
    )


def write() -> None:
    """Writes what has changed, and removes pages of what is no more."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {f"{page.path}.rst": text_of(page) for page in pages()}
    wanted["index.rst"] = index()
    for path in FOLDER.glob("*.rst"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = FOLDER / name
        if not path.is_file() or path.read_text() != text:
            path.write_text(text)


CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)(\w?)")
LINK = re.compile(r"\[([^\]]+)\]\((https?://[^)\s]+)\)")
DOCTEST = re.compile(r"^ *>>> .*?(?=^\s*$|\Z)", re.MULTILINE | re.DOTALL)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"^( *)\|((?:.*\S.*\n)*.*\|) *$", re.MULTILINE)
LISTED = re.compile(r"^(\s*)\* ", re.MULTILINE)


def translate(text: str) -> str:
    """A docstring as reStructuredText."""
    kept: list[str] = []

    def keep(said: str) -> str:
        kept.append(said)
        return f"\0{len(kept) - 1}\0"

    def fence(match: re.Match) -> str:
        pad, language, body = match.groups()
        lines = body.replace("\n", "\n    ").rstrip()
        return keep(f"{pad}.. code-block:: {language}\n\n    {lines}\n")

    def table(match: re.Match) -> str:
        """Rows end with the line that ends with a bar."""
        pad, inside = match[1], match[2].rstrip().removesuffix("|")
        head, _, *rows = re.split(r"\|\n *\|", inside)
        lines = [".. list-table::", "   :header-rows: 1", ""]
        for row in (head, *rows):
            for place, cell in enumerate(row.split("|")):
                said = translate(" ".join(cell.split()))
                lines.append(f"   {'-' if place else '* -'} {said}")
                lines[-1] = lines[-1].replace("   - ", "     - ", 1)
        return keep(f"\n{pad}".join(["", *lines, ""]))

    text = FENCE.sub(fence, text)
    text = TABLE.sub(table, text)
    text = DOCTEST.sub(lambda match: keep(match[0]), text)
    text = LINK.sub(lambda m: keep(f"`{m[1]} <{m[2]}>`__"), text)
    text = CODE.sub(lambda m: keep(literal(m[1], m[2])), text)
    text = LISTED.sub(lambda match: match[1] + keep("*") + " ", text)
    text = re.sub(r"(?<=\w)_(?!\w)|[|*]", r"\\\g<0>", text)
    while "\0" in text:
        text = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)
    return text


def literal(code: str, following: str = "") -> str:
    """Code between backticks; a public object is a link."""
    following = following and f"\\ {following}"
    name, call = re.fullmatch(r"([\w.]*)(.*)", code, re.DOTALL).groups()
    if name in targets() and call in ("", "()"):
        return f":py:obj:`{code} <{targets()[name]}>`{following}"
    return f"``{code}``{following}"


def on_docstring(
    app: Sphinx, what: str, name: str, value: Any, options: Any, lines: list
) -> None:
    """Before napoleon reads the sections."""
    lines[:] = translate("\n".join(lines)).split("\n")


def on_signature(
    app: Sphinx,
    what: str,
    name: str,
    value: Any,
    options: Any,
    signature: str,
    returned: str,
) -> tuple[str, str] | None:
    """That of `__init__`: Keras's classes take anything in `__new__`."""
    init = getattr(value, "__init__", None)
    if what != "class" or not inspect.isfunction(init):
        return None
    found = inspect.signature(init)
    arguments = [
        argument.replace(annotation=argument.empty, default=default(argument))
        for argument in list(found.parameters.values())[1:]
    ]
    empty = inspect.Signature.empty
    return str(found.replace(parameters=arguments, return_annotation=empty)), ""


def default(argument: inspect.Parameter) -> Any:
    """The default, whose text has no address in memory."""
    if " at 0x" not in repr(argument.default):
        return argument.default
    return Said(f"{type(argument.default).__name__}()")


class Said(str):
    """What a signature shows without quotes."""

    def __repr__(self) -> str:
        return str(self)


def on_skip(
    app: Sphinx, what: str, name: str, value: Any, skip: bool, options: Any
) -> bool | None:
    """Fields of named tuples say nothing."""
    text = getattr(value, "__doc__", None) or ""
    return True if text.startswith("Alias for field number") else None


def on_doctree(app: Sphinx, tree: nodes.document) -> None:
    """Public objects that a guide names become links."""
    for node in list(tree.findall(nodes.literal)):
        name = re.match(r"[\w.]*", node.astext())[0]
        linked = isinstance(node.parent, nodes.reference | pending_xref)
        if name not in targets() or linked:
            continue
        link = pending_xref(
            "",
            refdomain="py",
            reftype="obj",
            reftarget=targets()[name],
            refdoc=app.env.docname,
            refexplicit=True,
            refwarn=False,
        )
        node.replace_self(link)
        link += node


def setup(app: Sphinx) -> dict[str, bool]:
    """As an extension of Sphinx."""
    app.connect("builder-inited", lambda app: write())
    app.connect("autodoc-process-docstring", on_docstring, priority=100)
    app.connect("autodoc-process-signature", on_signature)
    app.connect("autodoc-skip-member", on_skip)
    app.connect("doctree-read", on_doctree)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
