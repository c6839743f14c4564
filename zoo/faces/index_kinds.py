"""Which indexes a gallery can be searched by, and the library that has them."""

from typing import Any

# Up to so many rows the kind, which the number of lists is put into.
KINDS = ((50_000, "Flat"), (10_000_000, "IVF{},SQ8"), (None, "IVF{},PQ64"))
# faiss asks for so many rows for each thing that it learns.
PER_CENTER = 39
# Below, the range of numbers is not known well.
FEWEST = 1000
# Entries of a codebook of 8 bits.
CODES = 256
WANTED = (
    '"exact", "faiss" or a string of faiss.index_factory that can remove '
    'rows, such as "Flat", "SQ8", "IVF4096,SQ8" or "IVF4096,PQ64"'
)


def faiss() -> Any:
    """The library, or what to install."""
    try:
        import faiss
    except ImportError as error:
        raise ImportError(
            'An `index` other than "exact" needs faiss: '
            "pip install 'keras-hypersphere[faiss]'"
        ) from error
    return faiss


def require_index(index: str) -> None:
    """Raises if it is no word at all: `create` reads the string."""
    if not isinstance(index, str) or not index:
        raise ValueError(f"`index` must be {WANTED}. Received: index={index!r}")


def kind_for(index: str, rows: int) -> str:
    """The factory string of an index; `"faiss"` chooses by the rows."""
    if index != "faiss":
        return index
    kind = next(kind for most, kind in KINDS if most is None or rows <= most)
    # About 4 √rows lists; powers of two, so that few more change nothing.
    return kind.format(1 << round((16 * max(rows, 1)).bit_length() / 2))


def create(kind: str, dim: int, distance: str) -> Any:
    """An empty index that finds rows by ids.

    Raises:
        ImportError: If faiss is not installed.
        ValueError: If there is no such index, or it cannot remove rows.
    """
    library = faiss()
    metric = library.METRIC_L2
    if distance == "cosine":
        metric = library.METRIC_INNER_PRODUCT
    try:
        made = library.index_factory(dim, kind, metric)
        lists = inverted_lists(made)
        if lists is not None and lists.nlist < 1:
            raise RuntimeError("no lists")
        if lists is not None and isinstance(made, library.IndexIDMap):
            # Its ids are places, which lists do not shift: a removal ends
            # the process, or answers with other people.
            raise RuntimeError("lists have ids of their own")
    except (RuntimeError, TypeError) as error:
        raise ValueError(
            f"`index` must be {WANTED}, for vectors of {dim} numbers. "
            f"Received: index={kind!r}"
        ) from error
    try:
        made.remove_ids(library.IDSelectorRange(0, 1))
    except RuntimeError as error:
        raise ValueError(
            f"`index={kind!r}` cannot remove rows, so that people could not "
            'be forgotten: take "faiss", "IVF4096,SQ8" or another without '
            "HNSW, NSG or RFlat (the gallery re-ranks itself)."
        ) from error
    if lists is None and not isinstance(made, library.IndexIDMap):
        made = library.IndexIDMap2(made)
    return made


def inverted_lists(index: Any) -> Any:
    """The part of an index that has inverted lists, None if none has."""
    library = faiss()
    inner = index
    if isinstance(index, library.IndexIDMap):
        inner = library.downcast_index(index.index)
    return library.try_extract_index_ivf(inner)


def probing(index: Any, widen: int) -> Any:
    """Search parameters that look at more lists; None where none has."""
    library, lists = faiss(), inverted_lists(index)
    if lists is None:
        return None
    probes = min(lists.nlist, lists.nprobe * widen)
    parameters = library.SearchParametersIVF(nprobe=probes)
    if isinstance(index, library.IndexPreTransform):
        inner = parameters
        parameters = library.SearchParametersPreTransform()
        parameters.index_params = inner
        # It only points to the other.
        parameters.inner = inner
    return parameters


def needed_rows(kind: str, index: Any) -> int:
    """How many rows it takes to train an index."""
    lists = inverted_lists(index)
    needed = 0 if kind == "Flat" else FEWEST
    if lists is not None:
        needed = max(needed, PER_CENTER * lists.nlist)
    return max(needed, PER_CENTER * CODES) if "PQ" in kind else needed
