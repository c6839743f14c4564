"""The layer types whose messages the tables have.

An unknown field in one of these is a slip of the pen, and refused. In any
other type it belongs to a fork; see `own_layers.py`.
"""

OFFICIAL = """
AbsVal Accuracy ArgMax BNLL BatchNorm BatchReindex Bias Clip Concat
ContrastiveLoss Convolution Crop Data Deconvolution Dropout DummyData ELU
Eltwise Embed EuclideanLoss Exp Filter Flatten HDF5Data HDF5Output HingeLoss
Im2col ImageData InfogainLoss InnerProduct Input LRN LSTM LSTMUnit Log MVN
MemoryData MultinomialLogisticLoss PReLU Parameter Pooling Power Python RNN
ReLU Reduction Reshape SPP Scale Sigmoid SigmoidCrossEntropyLoss Silence Slice
Softmax SoftmaxWithLoss Split Swish TanH Threshold Tile WindowData
"""
FORKS = """
AnnotatedData Axpy BN CenterLoss ChannelScale ConvolutionDepthwise
DepthwiseConvolution DetectionEvaluate DetectionOutput Flip
GeneralContrastiveLoss GeneralTripletLoss InnerDistance Interp
LabelSpecificAdd LargeMarginInnerProduct MarginInnerProduct MultiBoxLoss
Normalize Permute PriorBox ROIPooling ReLU6 ShuffleChannel SmoothL1Loss
Upsample
"""
TYPES = frozenset((OFFICIAL + FORKS).split())
