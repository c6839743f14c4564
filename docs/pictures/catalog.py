"""Every picture by the name of its file."""

from collections.abc import Callable

from matplotlib.figure import Figure

from docs.pictures import (
    agents,
    channels,
    crops,
    losses,
    maps,
    margins,
    pairs,
    scales,
)

PICTURES: dict[str, Callable[[], Figure]] = {
    "agent_contrastive": agents.agent_contrastive,
    "agent_losses": agents.agent_losses,
    "agent_triplet": agents.agent_triplet,
    "am_softmax": margins.am_softmax,
    "annealing": margins.annealing,
    "arc_face": margins.arc_face,
    "asoftmax": margins.asoftmax,
    "center_loss": agents.center_loss,
    "channel_affine": channels.channel_affine,
    "cosine_dense": scales.cosine_dense,
    "crops": crops.crops,
    "decisions": margins.decisions,
    "flip": maps.flip,
    "flip_concat": maps.flip_concat,
    "harmonic_triplet_loss": pairs.harmonic_triplet_loss,
    "inner_distance": agents.inner_distance,
    "l2_pooling_2d": maps.l2_pooling_2d,
    "l_softmax": margins.l_softmax,
    "local_response_normalization": maps.local_response_normalization,
    "max_feature_map": channels.max_feature_map,
    "maxout": channels.maxout,
    "metric_loss": pairs.metric_loss,
    "normalize_layer": scales.normalize_layer,
    "pair_contrastive_loss": pairs.pair_contrastive_loss,
    "recipe_angles": losses.recipe_angles,
    "scalar_scale": scales.scalar_scale,
    "softmax_cross_entropy": pairs.softmax_cross_entropy,
    "triplet_loss": pairs.triplet_loss,
    "zero_extended_add": channels.zero_extended_add,
}

# Drawings are SVG; photos would be too large.
PHOTOS = {"crops"}


def file_name(name: str) -> str:
    """The file of a picture."""
    return f"{name}.jpg" if name in PHOTOS else f"{name}.svg"
