"""A copy of a network that computes in float32."""

from typing import Any

import keras


def float32_copy(model: keras.Model) -> keras.Model:
    """The same network with the same weights, in float32 throughout.

    Weights of mixed precision are float32 already; how they are used is in
    each layer's policy, and would be saved with it. A network without such
    layers is returned itself.
    """
    config = model.get_config()
    plain = in_float32(config)
    if plain == config:
        return model
    copy = type(model).from_config(plain)
    if not copy.built:
        copy.build(model.input_shape)
    copy.set_weights(model.get_weights())
    return copy


def in_float32(config: Any) -> Any:
    """A config in which each policy of half precision is float32."""
    if isinstance(config, dict):
        return {
            key: (
                "float32"
                if key in ("dtype", "name") and config[key] in HALF
                else in_float32(value)
            )
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(in_float32(value) for value in config)
    return config


HALF = ("mixed_float16", "mixed_bfloat16", "float16", "bfloat16")
