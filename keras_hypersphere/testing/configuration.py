"""Arguments are kept, and a configuration makes the same object again."""

import inspect
import json
from typing import Any

import keras

from keras_hypersphere.testing.subject import Subject

CHECK = "configuration"
# What Keras's own base classes keep or leave out as they like.
KERAS = ("self", "name", "dtype", "activity_regularizer")
PLAIN = (bool, int, float, str, type(None))


def check_configuration(subject: Subject) -> None:
    """Argument = attribute; configuration and JSON round trip."""
    made = subject.make()
    check_arguments(subject, made)
    check_round_trip(subject, made)


def check_arguments(subject: Subject, made: Any) -> None:
    """Every argument is an attribute and a part of the configuration."""
    config = made.get_config()
    parameters = inspect.signature(type(made).__init__).parameters.values()
    for parameter in parameters:
        variadic = parameter.kind in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )
        if variadic or parameter.name in KERAS:
            continue
        name = parameter.name
        subject.require(
            hasattr(made, name), CHECK, f"argument `{name}` is no attribute."
        )
        subject.require(
            name in config, CHECK, f"`get_config()` lacks `{name}`."
        )
    for name, value in subject.init_kwargs.items():
        kept = getattr(made, name, value)
        if isinstance(value, PLAIN) and isinstance(kept, PLAIN):
            subject.require(
                kept == value,
                CHECK,
                f"argument {name}={value!r} is kept as {kept!r}.",
            )


def check_round_trip(subject: Subject, made: Any) -> None:
    """The object, through JSON text, comes back with one configuration."""
    try:
        text = json.dumps(keras.saving.serialize_keras_object(made))
    except TypeError as error:
        subject.fail(CHECK, f"its configuration is not JSON: {error}")
    revived = keras.saving.deserialize_keras_object(json.loads(text))
    subject.require(
        type(revived) is type(made),
        CHECK,
        f"comes back from JSON as {type(revived).__name__}.",
    )
    again = json.dumps(keras.saving.serialize_keras_object(revived))
    if again != text:
        subject.fail(CHECK, difference(json.loads(text), json.loads(again)))


def difference(before: Any, after: Any, path: str = "") -> str:
    """Names the first place where two JSON values differ."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            if before.get(key) != after.get(key):
                inner = f"{path}.{key}" if path else key
                return difference(before.get(key), after.get(key), inner)
    return f"`{path}` goes out as {before!r} and comes back as {after!r}."
