"""A process that looks at one network after another, and says what it is about to do.

It reads a line for each network, ``{"seed": 7, "only": [], "time_limit_s": 120}``, and writes lines
of JSON to a pipe: ``{"begin": "name of a check"}``, and at last the record of `look_at`. The system
ends it when it takes more processor time for one network than that.
"""

from __future__ import annotations

import json
import math
import os
import resource
import sys
import tempfile
import time
from typing import Any


def limit_processor_time(seconds: float) -> None:
    """From now on; then the process is ended by SIGXCPU."""
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time() + seconds), most))


def main(pipe: int) -> None:
    """Work until there are no more lines.

    Parameters
    ----------
    pipe : int
        Descriptor to write to. What libraries print goes elsewhere.
    """
    import nengo

    import nengo_spikecost  # noqa: F401  before nengo_dl

    with os.fdopen(pipe, "w", buffering=1) as out, tempfile.TemporaryDirectory() as folder:

        def say(content: dict[str, Any]) -> None:
            out.write(json.dumps(content) + "\n")

        # decoders are solved once for all simulators of a network; those of a user's cache may be
        # another NumPy's
        nengo.rc.set("decoder_cache", "path", folder)
        from tests.soak.one_network import look_at

        say({"ready": os.getpid()})
        for line in sys.stdin:
            asked = json.loads(line)
            limit_processor_time(asked["time_limit_s"])
            say(look_at(asked["seed"], asked["only"], lambda name: say({"begin": name})))


if __name__ == "__main__":
    main(int(sys.argv[1]))
