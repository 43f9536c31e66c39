"""Work cut into shards, done by the workers of a Dask cluster.

A call with ``client=`` goes these steps:

1. The client is looked at, and every worker asked for its versions (`cluster`).
2. The caller's `Work` is pickled and sent once to every worker, which builds it once and keeps
   what it built (`built_once`).
3. Samples are cut into shards (`cutting`). Of arrays each sample is sent once, to the worker that
   needs it; files and functions are read by the workers (`sample_parts`).
4. Shards go to whichever worker is free. One that is lost with its worker is sent again (`shards`).
5. Results come back in the order of the shards, whoever was faster.

A shard is a number of whole batches, and a worker does with a batch what one process would: the
same operations on arrays of the same shapes. So results are the same bit for bit, for any number
of workers and any length of a shard.

dask.distributed is imported when a client is given, and not before.
"""

from .cluster import checked_client, connected, n_threads_of
from .cutting import sample_shards
from .sample_parts import DescribeSamples, SampleReader, check_readable, is_read_by_workers
from .shards import Shard, Shards, in_order
from .work import Built, Work

__all__ = [
    "Built", "DescribeSamples", "SampleReader", "Shard", "Shards", "Work", "check_readable",
    "checked_client", "connected", "in_order", "is_read_by_workers", "n_threads_of",
    "sample_shards",
]  # fmt: skip
