"""Protocols on embeddings."""

from keras_hypersphere.evaluation.clustering import cluster
from keras_hypersphere.evaluation.embedding_shards import EmbeddingShards
from keras_hypersphere.evaluation.features import concatenate_features
from keras_hypersphere.evaluation.fisher import angular_fisher_score
from keras_hypersphere.evaluation.identification import (
    IdentificationReport,
    identification,
)
from keras_hypersphere.evaluation.lfw import lfw
from keras_hypersphere.evaluation.megaface import megaface
from keras_hypersphere.evaluation.megaface_report import MegaFaceReport
from keras_hypersphere.evaluation.pair_lists import (
    PairList,
    read_lfw_pairs,
    read_pairs,
    read_ytf_pairs,
)
from keras_hypersphere.evaluation.quantization import (
    dequantize_embeddings,
    quantize_embeddings,
)
from keras_hypersphere.evaluation.report import Report
from keras_hypersphere.evaluation.retrieval import retrieval
from keras_hypersphere.evaluation.retrieval_report import RetrievalReport
from keras_hypersphere.evaluation.roc import (
    VerificationReport,
    verification_report,
)
from keras_hypersphere.evaluation.template_pairs import template_pairs
from keras_hypersphere.evaluation.template_pooling import templates
from keras_hypersphere.evaluation.val_far import ValFarReport, val_far
from keras_hypersphere.evaluation.ytf import ytf

__all__ = [
    "EmbeddingShards",
    "IdentificationReport",
    "MegaFaceReport",
    "PairList",
    "Report",
    "RetrievalReport",
    "ValFarReport",
    "VerificationReport",
    "angular_fisher_score",
    "cluster",
    "concatenate_features",
    "dequantize_embeddings",
    "identification",
    "lfw",
    "megaface",
    "quantize_embeddings",
    "read_lfw_pairs",
    "read_pairs",
    "read_ytf_pairs",
    "retrieval",
    "template_pairs",
    "templates",
    "val_far",
    "verification_report",
    "ytf",
]
