"""Whether a model computes what its files say, blob by blob."""
