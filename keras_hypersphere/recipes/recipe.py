"""A training as data: what to build and how to train it."""

import dataclasses
import difflib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_hypersphere.atomic_write import atomic_write
from keras_hypersphere.recipes.recipe_rules import check, typed

if TYPE_CHECKING:
    import keras


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network was trained: one JSON file, to copy and to edit.

    `kh.recipes.get` reads one, `dataclasses.replace` or an editor changes
    it, and `keras-hypersphere train --recipe FILE` takes it. In Python the
    `make_…` methods give its parts, each a plain object of Keras or of this
    package.

    Args:
        name: What it is called.
        source: Where the numbers were published.
        changed: What is not as published, and why.
        backbone: A network of `kh.zoo`, such as `"SphereFace20"`; or
            `"keras.applications."` and a network of it; or, to go on from
            trained weights, a name of `kh.zoo.list_models()` or a folder.
        head: A head of `kh.layers`, or `"Dense"`; several of them as a list,
            the last gives the logits. None with a loss on embeddings.
        head_arguments: Its arguments, without `units`; a list of objects if
            `head` is a list. A `LambdaAnnealing` is an object with its
            arguments. Default: {}.
        loss: A loss of `kh.losses` on embeddings, for `head` None.
        loss_arguments: Its arguments. Default: {}.
        fine_tunes: Whether it goes on from a trained network, which is then
            to be named. Default: False.
        optimizer: `"CaffeSGD"` or an optimizer of Keras.
        optimizer_arguments: Its arguments, such as `momentum`. Default: {}.
        learning_rate: At `batch_size` photos a batch, behind the warm-up.
        batch_size: Photos a batch the learning rate is for.
        epochs: How often the data are seen.
        warmup_epochs: For how long the rate rises. Default: 0.
        schedule: `{"kind": "constant" | "multistep" | "polynomial" |
            "cosine"}`; multistep has `epochs` (where the rate drops, in
            epochs of `epochs`) and `factor`, polynomial has `power`.
        weight_decay: Added to the gradient, `weight_decay * variable`
            (`CaffeSGD`), or decoupled (`AdamW`). Default: 0.
        decay_excluded: Patterns of variables without decay: the path's end,
            such as `"bias"`, `"gamma"`; those of the head are
            `"head/kernel"` and so on. Default: [].
        rate_multipliers: Factors of the learning rate by pattern, with
            `CaffeSGD`. Default: {}.
        clip_norm: The gradient's largest norm, over all variables. Default:
            None, no limit.
        ema: Momentum of the moving average of the weights, which is what
            is kept at the end. Default: None, none.
        precision: `"float32"`, `"mixed_float16"`, `"mixed_bfloat16"`, or
            `"auto"`: bfloat16 where there is an accelerator. Default:
            `"float32"`.
        augmentation: A name of `kh.augmentation.list()`. Default:
            `"mirror"`.
        people_per_batch, photos_per_person: P and K, for batches of P people
            with K photos each. Default: None, batches are drawn.
        template: How faces lie in crops, a name of
            `kh.zoo.alignment.TEMPLATES`.
        image_size: (height, width) of crops.
        channels: `"RGB"`, `"BGR"` or `"gray"`.
        mean: What is subtracted from the values 0 to 255, one number a
            channel.
        scale: By what the difference is multiplied.
        distance: How embeddings are compared: `"cosine"`, `"l2"` or
            `"squared-l2"`. Default: `"cosine"`.
        seed: Of weights, batches and augmentation. Default: 0.

    Raises:
        ValueError: If a field has another type or an impossible value.

    Example:

    >>> import dataclasses
    >>> recipe = kh.recipes.get("arcface")
    >>> recipe = dataclasses.replace(recipe, epochs=5, warmup_epochs=1)
    >>> recipe.scaled_rate(batch_size=128)
    0.0125

    Reference:
        [Accurate, Large Minibatch SGD](https://arxiv.org/abs/1706.02677)
        (Goyal et al., 2017) for the rate that is proportional to the batch,
        and for the warm-up.
    """

    name: str
    source: str
    changed: str = ""
    backbone: str
    head: Any = None
    head_arguments: Any = dataclasses.field(default_factory=dict)
    loss: str | None = None
    loss_arguments: dict = dataclasses.field(default_factory=dict)
    fine_tunes: bool = False
    optimizer: str = "CaffeSGD"
    optimizer_arguments: dict = dataclasses.field(default_factory=dict)
    learning_rate: float
    batch_size: int
    epochs: int
    warmup_epochs: float = 0.0
    schedule: dict
    weight_decay: float = 0.0
    decay_excluded: tuple[str, ...] = ()
    rate_multipliers: dict = dataclasses.field(default_factory=dict)
    clip_norm: float | None = None
    ema: float | None = None
    precision: str = "float32"
    augmentation: str = "mirror"
    people_per_batch: int | None = None
    photos_per_person: int | None = None
    template: str
    image_size: tuple[int, int]
    channels: str
    mean: tuple[float, ...]
    scale: float
    distance: str = "cosine"
    seed: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = typed(field.name, getattr(self, field.name), field.type)
            object.__setattr__(self, field.name, value)
        check(self)

    @classmethod
    def load(cls, path: "str | os.PathLike") -> "Recipe":
        """Reads a recipe from a JSON file and checks every field.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it is no JSON object, or a field is unknown,
                missing or invalid; the message names the file.
        """
        path = Path(path).expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"There is no recipe '{path}'.")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(
                f"The recipe '{path}' is invalid: {error}"
            ) from None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Recipe":
        """Makes a recipe of what `to_dict` gives."""
        if not isinstance(data, dict):
            raise ValueError("a JSON object was expected")
        fields = {field.name: field for field in dataclasses.fields(cls)}
        for name in data:
            if name not in fields:
                near = difflib.get_close_matches(name, fields, 1)
                meant = f" Did you mean `{near[0]}`?" if near else ""
                raise ValueError(f"`{name}` is no field of a recipe.{meant}")
        missing = [
            name
            for name, field in fields.items()
            if name not in data
            and field.default is dataclasses.MISSING
            and field.default_factory is dataclasses.MISSING
        ]
        if missing:
            raise ValueError(f"it lacks {', '.join(missing)}")
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, as in the JSON file."""
        return json.loads(json.dumps(dataclasses.asdict(self)))

    def save(self, path: "str | os.PathLike") -> None:
        """Writes the recipe as JSON, for `kh.recipes.get`."""
        lines = [
            f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in self.to_dict().items()
        ]
        with atomic_write(Path(path)) as file:
            file.write(("{\n" + ",\n".join(lines) + "\n}\n").encode())

    def scaled_rate(self, batch_size: int) -> float:
        """The learning rate for a batch of another size, in proportion."""
        return self.learning_rate * batch_size / self.batch_size

    def batches(self) -> dict[str, Any]:
        """What `kh.data.FaceBatches` takes of it, but for the batch size."""
        balanced = self.people_per_batch is not None
        return {
            "image_size": self.image_size,
            "mean": self.mean,
            "scale": self.scale,
            "channels": self.channels,
            "augmentation": self.augmentation,
            "people": self.people_per_batch if balanced else None,
            "photos": self.photos_per_person if balanced else None,
            "seed": self.seed,
        }

    def make_head(self, classes: int) -> Any:
        """Makes the head, or the list of heads, for a number of people.

        Raises:
            ValueError: If it has none, or arguments are not its.
        """
        from keras_hypersphere.recipes.parts import make_head

        return make_head(self, classes)

    def make_loss(self) -> Any:
        """Makes the loss on embeddings; None with a head."""
        from keras_hypersphere.recipes.parts import make_loss

        return make_loss(self)

    def make_schedule(
        self,
        steps_per_epoch: int,
        batch_size: int | None = None,
        epochs: int | None = None,
    ) -> Any:
        """Makes the learning rate of each step.

        Args:
            steps_per_epoch: Batches in an epoch, `len(batches)`.
            batch_size: Photos a batch; the rate is scaled in proportion.
                Default: None, the recipe's.
            epochs: Epochs; warm-up and drops are scaled in proportion.
                Default: None, the recipe's.

        Returns:
            A `LearningRateSchedule`.
        """
        from keras_hypersphere.recipes.rates import make_schedule

        return make_schedule(self, steps_per_epoch, batch_size, epochs)

    def make_optimizer(
        self,
        model: "keras.Model",
        steps_per_epoch: int,
        batch_size: int | None = None,
        epochs: int | None = None,
    ) -> "keras.Optimizer":
        """Makes the optimizer: schedule, decay, clipping, moving average.

        Args:
            model: What it will train, whose variables the patterns of
                `decay_excluded` and `rate_multipliers` are compared with.
            steps_per_epoch, batch_size, epochs: As `make_schedule`.
        """
        from keras_hypersphere.recipes.rates import make_optimizer

        return make_optimizer(self, model, steps_per_epoch, batch_size, epochs)
