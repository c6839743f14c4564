"""Runs cases one after the other; dies where one hangs or crashes.

Prints the number of a case before it starts, and what became of it after.
"""

import faulthandler
import json
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

SECONDS = 5.0
MEMORY = 10**9
# Keras keeps the names of all layers.
CLEAN_EVERY = 50
# `verify` takes ten times as long as a conversion. No factor of 2, 4 or 8,
# so that each worker has as many of these cases.
VERIFY_EVERY = 3
NOT_FINITE = "NaN or huge numbers at other places"


def peak() -> int:
    """Bytes that this process held at the most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def limit_memory() -> None:
    """What allocates much more than it may dies at once."""
    size = int(Path("/proc/self/statm").read_text().split()[0])
    most = size * os.sysconf("SC_PAGE_SIZE") + 3 * MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))


def run_case(
    number: int, folder: Path, seed: int, verified: bool = True
) -> tuple[str, str]:
    """The outcome of one case, and what is wrong with it, if something is.

    Args:
        number, folder, seed: See `make_case`.
        verified: Whether `verify` is asked about a converted model.
    """
    from keras_hypersphere.tools.caffe import (
        CaffeFormatError,
        UnsupportedLayerError,
        to_keras,
        verify,
    )
    from tests.fuzz.mutations import make_case

    paths = make_case(number, folder, seed)
    before, clocks = peak(), (time.perf_counter(), time.process_time())
    wrong = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = to_keras(*paths)
            outcome = "converted"
            if verified:
                outcome, wrong = judge(verify(model, *paths))
    except (CaffeFormatError, UnsupportedLayerError) as error:
        outcome = type(error).__name__
        if not any(str(path) in str(error) for path in paths):
            wrong = f"names no file: {error}"
        elif "\n" in str(error) or len(str(error)) > 5000:
            wrong = f"is not one line: {error}"
    except BaseException:
        outcome, wrong = "crashed", traceback.format_exc()
    # On a busy machine the first clock runs on while we wait.
    seconds = min(
        time.perf_counter() - clocks[0], time.process_time() - clocks[1]
    )
    bytes = peak() - before
    if not wrong and seconds > SECONDS:
        wrong = f"took {seconds:.1f} s"
    if not wrong and bytes > MEMORY:
        wrong = f"took {bytes / 10**6:.0f} MB"
    return outcome, wrong


def judge(report: Any) -> tuple[str, str]:
    """The outcome of a verification, and what is wrong."""
    differ = [row for row in report.rows if row.status == "differs"]
    if any(row.reason != NOT_FINITE for row in differ):
        return "differs", str(report)
    if differ:
        # Of a weight of 1e70, which is infinite in float32, Caffe's layers
        # make NaN or not, one as the other.
        return "not finite", ""
    return "verified" if report.passed else "unchecked", ""


def main() -> None:
    """Arguments: first case, one past the last, step, seed."""
    first, last, step, seed = map(int, sys.argv[1:])
    import keras

    from keras_hypersphere.tools.caffe.verification import opencv

    # Longer, and this process is taken for one that hangs.
    opencv.SECONDS = 2 * SECONDS
    keras.ops.zeros(1)
    limit_memory()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last, step):
            print(json.dumps({"case": number}), flush=True)
            # More time, since a busy machine may stop us.
            faulthandler.dump_traceback_later(4 * SECONDS, exit=True)
            verified = number % VERIFY_EVERY == 0
            outcome, wrong = run_case(number, Path(folder), seed, verified)
            faulthandler.cancel_dump_traceback_later()
            result = {"case": number, "outcome": outcome, "wrong": wrong}
            print(json.dumps(result), flush=True)
            if number // step % CLEAN_EVERY == 0:
                keras.backend.clear_session()


if __name__ == "__main__":
    main()
