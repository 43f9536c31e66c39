"""Workers as jobs of SLURM, by way of dask-jobqueue; run it on a login node.

    pip install dask-jobqueue
    python slurm.py model.keras images.npy

``images.npy`` lies in a folder that all nodes see: workers read their own parts of it.
"""

import sys

from dask_jobqueue import SLURMCluster
from distributed import Client

import nengo_spikecost as nsc


def main(model_file: str, images: str) -> None:
    """Count the spikes of a model on all images."""
    cluster = SLURMCluster(
        queue="regular",  # sbatch -p
        account="project",  # sbatch -A
        cores=16,  # of a job
        processes=4,  # workers of a job, each with cores / processes threads
        memory="64GB",  # of a job
        walltime="02:00:00",
        # the environment of this process: other versions would be refused
        job_script_prologue=[f"source {sys.prefix}/bin/activate"],
    )
    print(cluster.job_script())
    cluster.adapt(minimum_jobs=1, maximum_jobs=8)  # or cluster.scale(jobs=8)
    with cluster, Client(cluster) as client:
        network = nsc.convert(nsc.load_model(model_file), scale_firing_rates=150)
        # a worker that its walltime ends is replaced, and the checkpoint outlives this process
        activity = nsc.measure(
            network, images, 40, simulator="compiled", client=client, checkpoint="kept"
        )
    print(f"{activity.n_samples:,} samples")


if __name__ == "__main__":
    main(*sys.argv[1:])
