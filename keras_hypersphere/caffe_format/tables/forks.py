"""What forks of Caffe added: NormFace's, SphereFace's, CenterFace's layers,
and those of detectors (SSD, Fast R-CNN), of DeepLab, SegNet and ShuffleNet.

No numbers here. Forks gave one number to different fields (147 is A-Softmax
in one and center loss in another), so a binary file cannot say which it
means. These fields are read from text; `schema.py` numbers them far from
anybody's. See `schema.py` for the notation.
"""

TABLE = """
extend LayerParameter: roi_pooling_param ROIPoolingParameter,
    noise_param NoiseParameter, center_loss_param CenterLossParameter,
    flip_param FlipParameter, inner_distance_param InnerDistanceParameter,
    normalize_param NormalizeParameter,
    general_contrastive_loss_param GeneralContrastiveParameter,
    general_triplet_loss_param GeneralTripletParameter,
    soft_truncation_param SoftTruncationParameter,
    permute_param PermuteParameter, truncation_param TruncationParameter,
    nca_param NCAParameter,
    largemargin_inner_product_param LargeMarginInnerProductParameter,
    label_specific_rescale_param LabelSpecificRescaleParameter,
    margin_inner_product_param MarginInnerProductParameter,
    channel_scale_param ChannelScaleParameter,
    label_specific_add_param LabelSpecificAddParameter,
    bn_param BNParameter, detection_output_param DetectionOutputParameter,
    interp_param InterpParameter, norm_param NormalizeBBoxParameter,
    prior_box_param PriorBoxParameter,
    psroi_pooling_param PSROIPoolingParameter, reorg_param ReorgParameter,
    shuffle_channel_param ShuffleChannelParameter,
    upsample_param UpsampleParameter,
    annotated_data_param AnnotatedDataParameter,
    multibox_loss_param MultiBoxLossParameter,
    detection_evaluate_param DetectionEvaluateParameter,
    smooth_l1_loss_param SmoothL1LossParameter
extend FillerParameter: alpha float
extend TransformationParameter: crop_h uint32, crop_w uint32,
    center_crop bool, erase_ratio float, scale_min float=0.02,
    scale_max float=0.4, aspect_min float=0.33, aspect_max float=3,
    resize_param ResizeParameter, noise_param ImageNoiseParameter,
    distort_param DistortionParameter, expand_param ExpansionParameter,
    emit_constraint EmitConstraint
extend AccuracyParameter: min_is_better bool
extend BatchNormParameter: disable_mean bool, disable_variance bool,
    scale_filler FillerParameter, bias_filler FillerParameter, engine Engine
extend DropoutParameter: sqrt_scale bool
extend InnerProductParameter: normalize bool
extend MemoryDataParameter: transpose bool
extend ParameterParameter: blob_filler FillerParameter
extend ScaleParameter: min_value float, max_value float
extend SoftmaxParameter: hard_ratio float=1, class_weight float*,
    hard_mining_label int32, cutting_point float,
    normalize_type string=Softmax, label_smooth_factor float
extend ImageDataParameter: face_transform bool, max_shear_ratio float,
    max_aspect_ratio float, max_rotate_angle float, min_random_scale float=1,
    max_random_scale float=1, max_random_shift uint32, face_mirror bool,
    face_point_num uint32, balance_class bool, balance_by uint32,
    label_cut_start uint32, label_cut_end uint32

AnnotatedDataParameter: batch_sampler BatchSampler*, label_map_file string,
    anno_type AnnotationType
BNParameter: scale_filler FillerParameter, shift_filler FillerParameter,
    bn_mode BNMode=LEARN, slope_filler FillerParameter,
    bias_filler FillerParameter, momentum float=0.9, eps float=1e-5,
    frozen bool, engine Engine
BatchSampler: use_original_image bool=true, sampler Sampler,
    sample_constraint SampleConstraint, max_sample uint32,
    max_trials uint32=100
CenterLossParameter: num_output uint32, center_filler FillerParameter,
    axis int32=1, distance_type string=L2
ChannelScaleParameter: do_forward bool=true, do_backward_feature bool=true,
    do_backward_scale bool=true, global_scale bool,
    max_global_scale float=1000.0, min_global_scale float,
    init_global_scale float=1.0
DetectionEvaluateParameter: num_classes uint32, background_label_id uint32,
    overlap_threshold float=0.5, evaluate_difficult_gt bool=true,
    name_size_file string, resize_param ResizeParameter
DetectionOutputParameter: num_classes uint32, share_location bool=true,
    background_label_id int32, nms_param NonMaximumSuppressionParameter,
    save_output_param SaveOutputParameter, code_type CodeType=CORNER,
    variance_encoded_in_target bool, keep_top_k int32=-1,
    confidence_threshold float, visualize bool, visualize_threshold float,
    save_file string, objectness_score float
DistortionParameter: brightness_prob float, brightness_delta float,
    contrast_prob float, contrast_lower float, contrast_upper float,
    hue_prob float, hue_delta float, saturation_prob float,
    saturation_lower float, saturation_upper float, random_order_prob float
EmitConstraint: emit_type EmitType=CENTER, emit_overlap float
ExpansionParameter: prob float=1, max_expand_ratio float=1
FlipParameter: flip_width bool=true, flip_height bool
GeneralContrastiveParameter: positive_margin float, negative_margin float=1.0,
    positive_weight float=1.0, negative_weight float=1.0,
    normalize_negative float, positive_outlier_thresh float=4.0, square bool,
    max_negative_only bool, max_positive_only bool, positive_first bool,
    positive_upper_bound float=1.0, exp_negative_weight bool,
    add_intra_mae bool, max_negative_margin float=1.2
GeneralTripletParameter: margin float=0.2, add_center_loss bool=true,
    hardest_only bool, positive_first bool, positive_upper_bound float=1.0,
    positive_weight float=1.0, negative_weight float=1.0
ImageNoiseParameter: prob float, hist_eq bool, inverse bool, decolorize bool,
    gauss_blur bool, jpeg float=-1, posterize bool, erode bool,
    saltpepper bool, saltpepper_param SaltPepperParameter, clahe bool,
    convert_to_hsv bool, convert_to_lab bool
InnerDistanceParameter: num_output uint32, bias_term bool=true,
    weight_filler FillerParameter, bias_filler FillerParameter, axis int32=1,
    transpose bool, distance_type string=L2, normalize bool,
    update_center_only bool
InterpParameter: height int32, width int32, zoom_factor int32=1,
    shrink_factor int32=1, pad_beg int32, pad_end int32
LabelSpecificAddParameter: bias float, transform_test bool, bias_base float,
    bias_gamma float, bias_power float=1.0, bias_min float, bias_max float,
    iteration uint32
LabelSpecificRescaleParameter: positive_weight float=1.0,
    negative_weight float=1.0, positive_lower_bound float,
    negative_upper_bound float, rescale_test bool, for_ip bool,
    positive_weight_base float, gamma float, power float=1.0,
    positive_weight_min float, positive_weight_max float, iteration uint32,
    bias_fix bool, power_on_positive bool
LargeMarginInnerProductParameter: num_output uint32,
    type MarginType=SINGLE, weight_filler FillerParameter, axis int32=1,
    base float=1, gamma float, power float=1, iteration int32,
    lambda_min float
MarginInnerProductParameter: num_output uint32, type MarginType=SINGLE,
    weight_filler FillerParameter, axis int32=1, base float=1, gamma float,
    power float=1, iteration int32, lambda_min float
MultiBoxLossParameter: loc_loss_type LocationLoss=SMOOTH_L1,
    conf_loss_type ConfidenceLoss=SOFTMAX, loc_weight float=1.0,
    num_classes uint32, share_location bool=true,
    match_type MatchType=PER_PREDICTION, overlap_threshold float=0.5,
    use_prior_for_matching bool=true, background_label_id uint32,
    use_difficult_gt bool=true, do_neg_mining bool, neg_pos_ratio float=3.0,
    neg_overlap float=0.5, code_type CodeType=CORNER,
    encode_variance_in_target bool, map_object_to_agnostic bool,
    ignore_cross_boundary_bbox bool, bp_inside bool,
    mining_type MiningType=MAX_NEGATIVE,
    nms_param NonMaximumSuppressionParameter, sample_size int32=64,
    use_prior_for_nms bool
NCAParameter: min_negative_only bool
NoiseParameter: gaussian_std float, uniform_range float, bias float
NormalizeParameter: normalize_type string=L2, fix_gradient bool, bp_norm bool
NonMaximumSuppressionParameter: nms_threshold float=0.3, top_k int32,
    eta float=1.0
NormalizeBBoxParameter: across_spatial bool=true,
    scale_filler FillerParameter, channel_shared bool=true, eps float=1e-10
PSROIPoolingParameter: spatial_scale float, output_dim int32, group_size int32
PermuteParameter: order uint32*
PriorBoxParameter: min_size float*, max_size float*, aspect_ratio float*,
    flip bool=true, clip bool, variance float*, img_size uint32, img_h uint32,
    img_w uint32, step float, step_h float, step_w float, offset float=0.5
ROIPoolingParameter: pooled_h uint32, pooled_w uint32, spatial_scale float=1
ReorgParameter: stride uint32, reverse bool
ResizeParameter: prob float=1, resize_mode ResizeMode=WARP, height uint32,
    width uint32, height_scale uint32, width_scale uint32,
    pad_mode PadMode=CONSTANT, pad_value float*, interp_mode InterpMode*
SaltPepperParameter: fraction float, value float*
SampleConstraint: min_jaccard_overlap float, max_jaccard_overlap float,
    min_sample_coverage float, max_sample_coverage float,
    min_object_coverage float, max_object_coverage float
Sampler: min_scale float=1, max_scale float=1, min_aspect_ratio float=1,
    max_aspect_ratio float=1
SaveOutputParameter: output_directory string, output_name_prefix string,
    output_format string, label_map_file string, name_size_file string,
    num_test_image uint32, resize_param ResizeParameter
ShuffleChannelParameter: group uint32
SmoothL1LossParameter: sigma float=1
SoftTruncationParameter: c float=2
TruncationParameter: lower_bound float, upper_bound float=5
UpsampleParameter: scale uint32, scale_h uint32, scale_w uint32,
    pad_out_h bool, pad_out_w bool, upsample_h uint32, upsample_w uint32

enum AnnotationType: BBOX 0
enum BNMode: LEARN 0, INFERENCE 1
enum CodeType: CORNER 1, CENTER_SIZE 2, CORNER_SIZE 3
enum ConfidenceLoss: SOFTMAX 0, LOGISTIC 1
enum EmitType: CENTER 0, MIN_OVERLAP 1
enum InterpMode: LINEAR 1, AREA 2, NEAREST 3, CUBIC 4, LANCZOS4 5
enum LocationLoss: L2 0, SMOOTH_L1 1
enum MarginType: SINGLE 0, DOUBLE 1, TRIPLE 2, QUADRUPLE 3
enum MatchType: BIPARTITE 0, PER_PREDICTION 1
enum MiningType: NONE 0, MAX_NEGATIVE 1, HARD_EXAMPLE 2
enum PadMode: CONSTANT 1, MIRRORED 2, REPEAT_NEAREST 3
enum ResizeMode: WARP 1, FIT_SMALL_SIZE 2, FIT_LARGE_SIZE_AND_PAD 3
"""
