"""Keras layers and their weights, one Caffe layer after the other."""
