"""`train` on several devices that are made of one CPU.

Usage: python -m tests.tools.training.train_on_devices \
    DEVICES SHARDED_FROM WORD...
"""

import os
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
    return command(list(words))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
