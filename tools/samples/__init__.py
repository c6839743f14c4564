"""A small network in Caffe's own format, how it was trained, and digits."""
