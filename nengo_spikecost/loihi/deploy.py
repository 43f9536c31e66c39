"""`deploy`: from a model and data to what the chip computed, in one call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..activity import measure
from ..activity.activity_record import class_labels
from ..activity.subject import subject
from ..errors import DataError, MeasurementError
from ..options import takes_options
from .deploy_options import MEASURING, TARGETS, DeployOptions
from .deployable import deployable
from .deployment import Deployment


@takes_options(DeployOptions)
def deploy(
    network: Any, data: Any, y: Any = None, *, options: DeployOptions, **convert_options: Any
) -> Deployment:
    """Run a model on Loihi: on its emulation, on NengoLoihi's emulator, or on a board.

    In one call, the steps that the Keras-to-Loihi tutorial of NengoDL takes by hand:

    1. A Keras model is converted with neurons as Loihi has them; its linear layers are composed
       into Connections between neurons, and the layer that is fed pixels is put on the host.
    2. NengoLoihi's limits are checked, and block shapes chosen, before anything runs.
    3. Samples are presented for ``n_steps`` each, and outputs are read through a filter.

    Parameters
    ----------
    network : Keras model, Conversion, nengo.Network or BlockFit
        It is not changed.
    data, y : array or iterable
        Samples and labels, as `measure` takes them; labels may also come with the samples.
    {options}
    **convert_options
        Further arguments of `convert`. For a network, which needs no conversion, arguments that
        say how to convert are refused.

    Returns
    -------
    Deployment

    Raises
    ------
    ConversionError, LoihiError
        If a layer can't be converted, NengoLoihi can't run the network, or it does not fit.
    DataError, MeasurementError
        As `measure`.
    """
    simulator, target = TARGETS[options.target]
    ready = deployable(network, options, convert_options)
    labels = _labels(ready.named, data, y, options.output)
    network = ready.named if ready.fit is None else ready.fit
    chosen = options.chosen(*MEASURING)
    activity = measure(network, data, options.n_steps, simulator=simulator, **target, **chosen)
    return Deployment(ready.named, ready.fit, ready.use, activity, options, labels)


def _labels(named: Any, data: Any, y: Any, output: str | None) -> Any:
    """Labels as an array; what could not be read in the end is refused before anything runs.

    Raises
    ------
    DataError
        If there is not one label for every sample, or they are not classes of the output.
    MeasurementError
        If there is no such output.
    """
    outputs = subject(named).outputs
    if output is not None and output not in outputs:
        raise MeasurementError(
            f"There is no output {output!r}; the outputs are {', '.join(outputs)}."
        )
    if y is None:
        return None
    labels = np.asarray(y)
    if output is None and len(outputs) != 1:
        raise MeasurementError(
            f"The network has {len(outputs)} outputs ({', '.join(outputs)}): say which one "
            "says the class with output=, or leave the labels out."
        )
    probe = outputs[output] if output is not None else next(iter(outputs.values()))
    class_labels(labels, int(probe.size_in))
    sized = data is not None and hasattr(data, "__len__") and not isinstance(data, Mapping)
    if sized and not isinstance(data, tuple) and len(data) != len(labels):
        raise DataError(f"There are {len(data)} samples and {len(labels)} labels in y.")
    return labels
