"""What `keras.ops` has no word for; the only package that names a backend."""
