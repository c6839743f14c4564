"""Messages that describe a network: see `schema.py` for how to read this."""

TABLE = """
BlobShape: dim 1 int64**
BlobProto: shape 7 BlobShape, data 5 float**, diff 6 float**,
    double_data 8 double**, double_diff 9 double**, num 1 int32,
    channels 2 int32, height 3 int32, width 4 int32
FillerParameter: type 1 string=constant, value 2 float, min 3 float,
    max 4 float=1, mean 5 float, std 6 float=1, sparse 7 int32=-1,
    variance_norm 8 VarianceNorm=FAN_IN
NetParameter: name 1 string, input 3 string*, input_shape 8 BlobShape*,
    input_dim 4 int32*, force_backward 5 bool, state 6 NetState,
    debug_info 7 bool, layer 100 LayerParameter*, layers 2 V1LayerParameter*
NetState: phase 1 Phase=TEST, level 2 int32, stage 3 string*
NetStateRule: phase 1 Phase, min_level 2 int32, max_level 3 int32,
    stage 4 string*, not_stage 5 string*
ParamSpec: name 1 string, share_mode 2 DimCheckMode, lr_mult 3 float=1.0,
    decay_mult 4 float=1.0
LayerParameter: name 1 string, type 2 string, bottom 3 string*, top 4 string*,
    phase 10 Phase, loss_weight 5 float*, param 6 ParamSpec*,
    blobs 7 BlobProto*, propagate_down 11 bool*, include 8 NetStateRule*,
    exclude 9 NetStateRule*, transform_param 100 TransformationParameter,
    loss_param 101 LossParameter, accuracy_param 102 AccuracyParameter,
    argmax_param 103 ArgMaxParameter, batch_norm_param 139 BatchNormParameter,
    bias_param 141 BiasParameter, clip_param 148 ClipParameter,
    concat_param 104 ConcatParameter,
    contrastive_loss_param 105 ContrastiveLossParameter,
    convolution_param 106 ConvolutionParameter, crop_param 144 CropParameter,
    data_param 107 DataParameter, dropout_param 108 DropoutParameter,
    dummy_data_param 109 DummyDataParameter,
    eltwise_param 110 EltwiseParameter, elu_param 140 ELUParameter,
    embed_param 137 EmbedParameter, exp_param 111 ExpParameter,
    flatten_param 135 FlattenParameter, hdf5_data_param 112 HDF5DataParameter,
    hdf5_output_param 113 HDF5OutputParameter,
    hinge_loss_param 114 HingeLossParameter,
    image_data_param 115 ImageDataParameter,
    infogain_loss_param 116 InfogainLossParameter,
    inner_product_param 117 InnerProductParameter,
    input_param 143 InputParameter, log_param 134 LogParameter,
    lrn_param 118 LRNParameter, memory_data_param 119 MemoryDataParameter,
    mvn_param 120 MVNParameter, parameter_param 145 ParameterParameter,
    pooling_param 121 PoolingParameter, power_param 122 PowerParameter,
    prelu_param 131 PReLUParameter, python_param 130 PythonParameter,
    recurrent_param 146 RecurrentParameter,
    reduction_param 136 ReductionParameter, relu_param 123 ReLUParameter,
    reshape_param 133 ReshapeParameter, scale_param 142 ScaleParameter,
    sigmoid_param 124 SigmoidParameter, softmax_param 125 SoftmaxParameter,
    spp_param 132 SPPParameter, slice_param 126 SliceParameter,
    swish_param 147 SwishParameter, tanh_param 127 TanHParameter,
    threshold_param 128 ThresholdParameter, tile_param 138 TileParameter,
    window_data_param 129 WindowDataParameter
TransformationParameter: scale 1 float=1, mirror 2 bool, crop_size 3 uint32,
    mean_file 4 string, mean_value 5 float*, force_color 6 bool,
    force_gray 7 bool
LossParameter: ignore_label 1 int32, normalization 3 NormalizationMode=VALID,
    normalize 2 bool

enum Phase: TRAIN 0, TEST 1
enum DimCheckMode: STRICT 0, PERMISSIVE 1
enum VarianceNorm: FAN_IN 0, FAN_OUT 1, AVERAGE 2
enum NormalizationMode: FULL 0, VALID 1, BATCH_SIZE 2, NONE 3
"""
