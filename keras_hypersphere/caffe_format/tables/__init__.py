"""The fields of Caffe's messages, as tables."""
