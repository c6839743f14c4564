"""OpenCV 4's Caffe importer, in a process of its own.

It is C++ and trusts the files it is given: one that lacks a blob can end the
process. So `caffe/verification/opencv.py` starts
`python -m keras_hypersphere.tools.opencv_worker`. This file does not lie in
`caffe/`, which imports Keras: a process without it starts in 0.3 s.

The order is JSON on stdin: `folder`, `prototxt`, `caffemodel`, the names of
the `inputs`, whose arrays are `input-0.npy` and so on in the folder, and
`layers`: name, first top, numbers of the values wanted. An empty order asks
for the name only. Answers are lines of JSON on stdout: the name, then why
OpenCV cannot run the network, or the numbers of the values that are now
`value-7.npy` and so on.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

# OpenCV's level of logging that says nothing.
SILENT = 0

Layers = Sequence[tuple[str, str, Sequence[int]]]


def main() -> None:
    """Answers one order."""
    # A crash is told by its signal, and leaves no file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Only answers may go to the pipe: print, C++ included, goes to stderr.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for answer in serve(json.load(sys.stdin)):
            print(json.dumps(answer), file=answers, flush=True)


def serve(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the answers to an order."""
    try:
        import cv2
    except ImportError:
        yield {"absent": "OpenCV is not installed"}
        return
    name = f"OpenCV {cv2.__version__}"
    if int(cv2.__version__.split(".")[0]) >= 5 or not hasattr(
        getattr(cv2, "dnn", None), "readNetFromCaffe"
    ):
        yield {"absent": f"{name} has no Caffe importer"}
        return
    yield {"name": name}
    if not order:
        return
    # OpenCV 4.8 has these functions in another place.
    getattr(cv2.utils, "logging", cv2).setLogLevel(SILENT)
    folder = Path(order["folder"])
    try:
        net = cv2.dnn.readNetFromCaffe(order["prototxt"], order["caffemodel"])
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        # Fused layers would not show their own values.
        net.enableFusion(False)
        for index, blob in enumerate(order["inputs"]):
            net.setInput(np.load(folder / f"input-{index}.npy"), blob)
        found = retrieve(net, order["layers"])
    except (cv2.error, UnicodeError) as error:
        yield {"reason": str(error)}
        return
    for number, values in found.items():
        np.save(folder / f"value-{number}.npy", values)
    yield {"values": list(found)}


def retrieve(net: Any, layers: Layers) -> dict[int, np.ndarray]:
    """The tops of each layer that OpenCV knows under one name."""
    known = set(net.getLayerNames())
    names = [name for name, _, _ in layers]
    wanted = {}
    for name, top, numbers in layers:
        if names.count(name) > 1 or not numbers:
            continue
        if name in known:
            wanted[name] = numbers
        elif top in known and top not in names:
            # OpenCV has renamed the layer.
            wanted[top] = numbers
    single = [name for name, numbers in wanted.items() if len(numbers) == 1]
    found = dict(
        zip(single, net.forwardAndRetrieve(single), strict=True)
        if single
        else ()
    )
    # Later layers reuse the memory of all tops but the first, so these
    # layers must be the last to run.
    for name in wanted.keys() - found.keys():
        (made,) = net.forwardAndRetrieve([name])
        found[name] = [np.array(value) for value in made]
    return {
        number: np.asarray(value)
        for name, numbers in wanted.items()
        for number, value in zip(numbers, found[name], strict=False)
    }


if __name__ == "__main__":
    main()
