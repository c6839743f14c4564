"""Which layers a phase, its stages and its level include."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import LayerParameter

PHASES = ("TRAIN", "TEST")


@dataclass(frozen=True)
class State:
    """What the rules of a network are held against."""

    phase: int
    stages: frozenset[str]
    level: int

    @property
    def phase_name(self) -> str:
        """The phase, as in the prototxt."""
        return PHASES[self.phase]

    @property
    def training(self) -> bool:
        """Whether the phase is TRAIN."""
        return self.phase_name == "TRAIN"

    def with_stages(self, stages: Iterable[str]) -> "State":
        """The state with stages that the network itself sets."""
        return replace(self, stages=self.stages.union(stages))

    def check(self, layer: LayerParameter, file: str | None) -> None:
        """Refuses rules of both kinds in one layer, as Caffe does."""
        if layer.include and layer.exclude:
            raise CaffeFormatError(
                "has `include` and `exclude`; Caffe refuses that: give rules "
                "of one kind",
                file,
                layer.name,
                layer.type,
            )

    def includes(self, layer: LayerParameter) -> bool:
        """Whether the layer is part of the network in this state."""
        if layer.include:
            return any(self.meets(rule) for rule in layer.include)
        return not any(self.meets(rule) for rule in layer.exclude)

    def meets(self, rule: Any) -> bool:
        """Whether everything that a NetStateRule asks for holds."""
        return (
            (not rule.HasField("phase") or rule.phase == self.phase)
            and (not rule.HasField("min_level") or self.level >= rule.min_level)
            and (not rule.HasField("max_level") or self.level <= rule.max_level)
            and self.stages.issuperset(rule.stage)
            and self.stages.isdisjoint(rule.not_stage)
        )


def make_state(phase: str, stages: Any, level: int) -> State:
    """Checks what the user gave."""
    if phase not in PHASES:
        raise ValueError(
            f'`phase` must be "TRAIN" or "TEST". Received: phase={phase!r}'
        )
    named = isinstance(stages, Iterable) and not isinstance(stages, str)
    if not named or not all(isinstance(stage, str) for stage in stages):
        raise ValueError(
            "`stages` must be a list of names, such as ['deploy']. "
            f"Received: stages={stages!r}"
        )
    if isinstance(level, bool) or not isinstance(level, int):
        raise ValueError(
            f"`level` must be a whole number. Received: level={level!r}"
        )
    return State(PHASES.index(phase), frozenset(stages), level)
