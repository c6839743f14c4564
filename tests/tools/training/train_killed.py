"""`train` that kills itself in a batch, and saves every third.

Usage: python -m tests.tools.training.train_killed \
    BATCH DEVICES WORD...

BATCH counts all batches of this process from 1; 0: nobody kills it.
"""

import os
import signal
import sys

from tests.tools.training import train_on_devices

EVERY = 3


def main(batch, devices, *words):
    # Before Keras: JAX reads it once.
    os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=2"
    from keras_hypersphere.tools.training import fit, narration

    class Killed(narration.Narration):
        left = int(batch)

        def on_train_batch_end(self, batch, logs=None):
            self.left -= 1
            if not self.left:
                os.kill(os.getpid(), signal.SIGKILL)
            super().on_train_batch_end(batch, logs)

    fit.EVERY = EVERY
    narration.Narration = Killed
    return train_on_devices.main(2, 10**6, *words, "--devices", devices)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
