"""Published trainings as data: `list`, `get`, and a file of one's own."""

from keras_hypersphere.recipes.library import get, list
from keras_hypersphere.recipes.recipe import Recipe

__all__ = ["Recipe", "get", "list"]
