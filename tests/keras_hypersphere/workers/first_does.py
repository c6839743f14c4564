"""One process of JAX, of which the first one works for a while.

Usage: python -m tests.keras_hypersphere.workers.first_does INDEX ADDRESSES
"""

import sys
import time

import keras

from keras_hypersphere.backend import processes


def main(index, addresses):
    keras.distribution.initialize(addresses[0], len(addresses), index)
    processes.BEAT = 0.2

    def work():
        time.sleep(2)
        return "done"

    assert processes.first_does(work) == (None if index else "done")
    assert processes.in_any_process(index == 1)
    assert not processes.in_any_process(False)

    def fail():
        raise OSError(f"no room\nfor {'ä' * 2000}")

    try:
        processes.first_does(fail)
    except (OSError, ValueError) as error:
        said = str(error)
    assert said.startswith(
        "In the first process: no room for ä" if index else ""
    )
    assert processes.gathered([index, 7]).tolist() == [[0, 7], [1, 7]]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2].split(","))
