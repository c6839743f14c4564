"""`train` on several devices that are made of one CPU.

Usage: python -m tests.tools.training.train_on_devices \
    DEVICES SHARDED_FROM WORD...

With `DIES_AT_BATCH` the process kills itself there, counted over all epochs.
"""

import os
import signal
import sys


def main(devices, sharded_from, *words):
    os.environ["XLA_FLAGS"] = (
        f"--xla_force_host_platform_device_count={devices}"
    )
    import keras

    if keras.backend.backend() == "tensorflow":
        from keras_hypersphere.backend.logical_cpus import split_cpu

        split_cpu(int(devices))
    from keras_hypersphere.tools.cli import main as command
    from keras_hypersphere.tools.training import devices as parts

    parts.SHARDED_FROM = int(sharded_from)
    if "DIES_AT_BATCH" in os.environ:
        die_at(int(os.environ["DIES_AT_BATCH"]))
    return command(list(words))


def die_at(batch):
    from keras_hypersphere.tools.training.interruption import Interruption

    seen = []
    asked = Interruption.on_train_batch_end

    def dies(self, number, logs=None):
        seen.append(number)
        if len(seen) == batch:
            os.kill(os.getpid(), signal.SIGKILL)
        asked(self, number, logs)

    Interruption.on_train_batch_end = dies


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
