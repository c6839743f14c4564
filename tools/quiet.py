"""Imports Keras without the notices that its backend writes to stderr.

TensorFlow's native code logs before any setting of ours is read
(`TF_CPP_MIN_LOG_LEVEL` comes too late for some lines), straight to the file
descriptor. An error line of ours would drown in them.
"""

import os
import sys
import tempfile


def import_keras() -> None:
    """Imports Keras; what was written to stderr appears only if it fails."""
    sys.stderr.flush()
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as notices:
        os.dup2(notices.fileno(), 2)
        try:
            import keras  # noqa: F401
        except BaseException:
            notices.seek(0)
            os.write(terminal, notices.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)
