"""Architectures, layer for layer as published, one file a family."""
