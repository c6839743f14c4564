"""Pure mathematics on `keras.ops`, shared by layers and losses."""
