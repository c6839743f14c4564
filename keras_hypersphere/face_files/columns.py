"""Which columns of a table hold photos and classes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from keras_hypersphere.face_files.texts import shown

IMAGES = ("image", "img", "photo", "face", "jpg", "jpeg", "png")
LABELS = ("label", "labels", "identity", "person", "class", "target", "name")


class Columns(NamedTuple):
    """Names of two columns, and of the classes.

    Attributes:
        class_names: list of strings, one a number; None where the label is
            a number or a text of its own.
    """

    image: str
    label: str
    class_names: list[str] | None


def pyarrow() -> Any:
    """The library, or what to install."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ImportError(
            "Parquet and saved Hugging Face data sets are read by pyarrow: "
            "pip install 'keras-hypersphere[parquet]'"
        ) from error
    return pyarrow


def columns_of(path: Path, schema: Any, features: dict[str, Any]) -> Columns:
    """Finds the columns by their features, else by their names.

    Args:
        path: For messages.
        schema: pyarrow's.
        features: Hugging Face's, from beside the table; those that stand in
            the schema come first.

    Raises:
        ValueError: If there is no column of photos or none of classes.
    """
    features = {**features, **in_schema(schema)}
    image = pick(path, schema, features, "Image", IMAGES)
    label = pick(path, schema, features, "ClassLabel", LABELS)
    return Columns(image, label, class_names_of(path, label, features))


def class_names_of(
    path: Path, label: str, features: dict[str, Any]
) -> list[str] | None:
    """The names of the classes of a column; None if nothing tells them."""
    names = features.get(label, {})
    names = names.get("names") if isinstance(names, dict) else None
    if names is not None and not (
        isinstance(names, list) and all(isinstance(name, str) for name in names)
    ):
        raise ValueError(
            f"'{path}': the class names of the column '{label}' are no list "
            "of texts."
        )
    return names


def require_same(
    first: Path, columns: Columns, path: Path, schema: Any
) -> None:
    """Refuses a further file that the columns of the first do not fit.

    Raises:
        ValueError: If it lacks one, or its numbers mean other people.
    """
    for name in (columns.image, columns.label):
        if name not in schema.names:
            raise ValueError(
                f"'{path}' has no column '{shown(name)}', which '{first}' has. "
                "Name files of one data set."
            )
    names = class_names_of(path, columns.label, in_schema(schema))
    if names is not None and names != columns.class_names:
        raise ValueError(
            f"'{path}' has other class names than '{first}', so that a number "
            "would mean two people. Join them by `concatenate_datasets` of "
            "datasets, or name files of one data set."
        )


def touch_names(schema: Any) -> None:
    """Raises a UnicodeDecodeError for a name that is no UTF-8.

    pyarrow itself raises only where a name is asked for.
    """
    for column in schema:
        _ = (
            column.name,
            [
                column.type.field(index).name
                for index in range(column.type.num_fields)
            ],
        )


def in_schema(schema: Any) -> dict[str, Any]:
    """The features that Hugging Face writes into a table's schema."""
    try:
        known = json.loads((schema.metadata or {})[b"huggingface"])
        features = known["info"]["features"]
    except (KeyError, TypeError, ValueError):
        return {}
    return features if isinstance(features, dict) else {}


def pick(
    path: Path,
    schema: Any,
    features: dict[str, Any],
    kind: str,
    names: tuple[str, ...],
) -> str:
    """The one column of a kind, or the first of some names."""
    typed = [
        name
        for name in schema.names
        if isinstance(features.get(name), dict)
        and features[name].get("_type") == kind
    ]
    named = [name for name in names if name in (typed or schema.names)]
    if len(typed) == 1:
        return typed[0]
    if named:
        return named[0]
    there = ", ".join(map(shown, schema.names[:20])) or "none"
    raise ValueError(
        f"'{path}' needs one column of the feature {kind}, or of the name "
        f"{', '.join(names)}. Received: {there}; "
        "rename one with `rename_column`."
    )
