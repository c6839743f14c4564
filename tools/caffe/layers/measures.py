"""Losses and measures of forks: left out at inference, and not converted."""

from keras_hypersphere.tools.caffe.layer_type import (
    Labels,
    LayerType,
    declare_layer,
)

# Where the labels begin among the bottoms.
for name, place in (
    # SSD.
    ("DetectionEvaluate", 1),
    ("MultiBoxLoss", 3),
    # MobileNet-YOLO and Intel's Caffe.
    ("EvalDetection", 1),
    ("RegionLoss", 1),
    ("SegmentationEvaluate", 1),
    ("YoloSeg", 1),
    ("Yolov3", 1),
    # R-FCN.
    ("BoxAnnotatorOHEM", 0),
    ("SmoothL1LossOHEM", 1),
    ("SoftmaxWithLossOHEM", 1),
    # MS-CNN, Cascade R-CNN.
    ("BboxAccuracy", 1),
    ("DetectionAccuracy", 1),
    ("DetectionGroupAccuracy", 2),
    ("DetectionGroupLoss", 2),
    ("DetectionLoss", 1),
    # PSPNet, DetectNet.
    ("L1Loss", 1),
    ("SegAccuracy", 1),
):
    labels = Labels(place, bottoms=(1, 9), tops=9, whole=False)
    declare_layer(LayerType(name, labels=labels, left_out=True))
