"""From photos to the input of a protocol."""
