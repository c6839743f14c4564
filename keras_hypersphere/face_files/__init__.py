"""Data sets of faces as files: read and written without Keras."""
