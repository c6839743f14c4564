"""Protocols on embeddings."""

from keras_hypersphere.evaluation.clustering import cluster
from keras_hypersphere.evaluation.fisher import angular_fisher_score
from keras_hypersphere.evaluation.lfw import lfw
from keras_hypersphere.evaluation.megaface import MegaFaceReport, megaface
from keras_hypersphere.evaluation.pairs import (
    PairList,
    read_lfw_pairs,
    read_pairs,
    read_ytf_pairs,
)
from keras_hypersphere.evaluation.report import Report
from keras_hypersphere.evaluation.roc import (
    VerificationReport,
    verification_report,
)
from keras_hypersphere.evaluation.ytf import ytf

__all__ = [
    "MegaFaceReport",
    "PairList",
    "Report",
    "VerificationReport",
    "angular_fisher_score",
    "cluster",
    "lfw",
    "megaface",
    "read_lfw_pairs",
    "read_pairs",
    "read_ytf_pairs",
    "verification_report",
    "ytf",
]
