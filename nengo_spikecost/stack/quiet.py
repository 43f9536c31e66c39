"""TensorFlow started without the notes that its native code writes to standard error.

Neither ``TF_CPP_MIN_LOG_LEVEL`` nor Python's logging reaches them in TensorFlow 2.21: they
are written before its logger is set up. Only the command line uses this; a library has no
business with the caller's streams.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def native_messages_held() -> Iterator[None]:
    """Hold back all output to file descriptor 2; pass it on only if the block raises."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(original, 2)
            held.seek(0)
            os.write(2, held.read())
            raise
        finally:
            os.dup2(original, 2)
            os.close(original)
