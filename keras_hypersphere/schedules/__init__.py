"""Schedules of keras_hypersphere."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.schedules.caffe_learning_rate import CaffeLearningRate
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing
from keras_hypersphere.schedules.warm_up import WarmUp

__all__ = ["CaffeLearningRate", "LambdaAnnealing", "WarmUp"]
