"""Job 2: an original Caffe model becomes .keras, and reads digits.

The network of `tools/samples`, in Caffe's own format, is converted, compared
blob by blob with OpenCV 4's Caffe importer, saved, loaded, and asked about
digits that it was not trained on.
"""

from pathlib import Path

import keras

from keras_hypersphere.tools.caffe import to_keras, verify
from keras_hypersphere.tools.demo.conversion_picture import draw
from keras_hypersphere.tools.demo.outcome import Outcome
from keras_hypersphere.tools.samples import digits
from keras_hypersphere.tools.samples.train import (
    CAFFEMODEL,
    PROTOTXT,
    preprocess,
)

ENOUGH = 0.97


def run(output: Path) -> Outcome:
    """Converts the sample, checks it, and classifies held-out digits."""
    path = output / "digits.keras"
    to_keras(PROTOTXT, CAFFEMODEL).save(path)
    model = keras.models.load_model(path)
    held_out = digits.load()
    images = preprocess(held_out.test_images)
    # Digits show every layer what it was made for; noise would not.
    report = verify(model, PROTOTXT, CAFFEMODEL, images[::25])
    print(report)
    print(f"\n{report.summary()}")
    guesses = model.predict(images, verbose=0).argmax(axis=1)
    right = guesses == held_out.test_labels
    print(
        f"\n{path.name}, loaded again, reads {right.sum()} of {len(right)} "
        f"held-out digits: {right.mean():.2%}\n({held_out.source})"
    )
    picture = output / "conversion.png"
    draw(picture, held_out, guesses, report)
    # The table says who was compared with: OpenCV 4, or the reference.
    differs = any(row.status == "differs" for row in report.rows)
    passed = bool(not differs and right.mean() >= ENOUGH)
    return Outcome(
        passed,
        (path, picture),
        {
            "accuracy": float(right.mean()),
            "digits": len(right),
            "source": held_out.source,
            "verification": report.to_dict(),
        },
    )
