"""The exceptions and warnings of the package.

Every error that a user can cause derives from `SpikeCostError`, says which layer or
argument is at fault, what was expected and what to do. The command line turns each of
them into one sentence; a library user can catch them all with one class.
"""

from __future__ import annotations

from typing import Any


class SpikeCostError(Exception):
    """Base class of every error this package raises on purpose."""


class StackError(SpikeCostError, ImportError):
    """The installed TensorFlow, Keras, NumPy or Nengo packages cannot work together."""


class ArgumentError(SpikeCostError, TypeError):
    """A function was called with an argument that it does not have, or without one it needs.

    Parameters
    ----------
    message : str
        The whole sentence shown to the user.
    argument : str, optional
        The argument that there is not.
    known : tuple of str
        Those that there are.
    """

    def __init__(self, message: str, argument: str | None = None, known: tuple[str, ...] = ()):
        super().__init__(message)
        self.argument = argument
        self.known = known


class ConversionError(SpikeCostError, ValueError):
    """A Keras model, or one of its layers, cannot become a Nengo network.

    Parameters
    ----------
    message : str
        The whole sentence shown to the user.
    layer : str, optional
        Name of the Keras layer at fault; of several, the first.
    kind : str
        The type of that layer.
    reason : str
        Why it can't be converted and what to do, a clause; empty if the message has another form.
    problems : sequence of ConversionError
        One error for each layer at fault, if there are several.
    """

    def __init__(
        self, message: str, layer: str | None = None, *, kind: str = "", reason: str = "",
        problems: tuple[ConversionError, ...] = (),
    ):  # fmt: skip
        super().__init__(message)
        self.layer, self.kind, self.reason = layer, kind, reason
        self._problems = problems

    @property
    def problems(self) -> tuple[ConversionError, ...]:
        """One error for each layer at fault: itself, if there is one."""
        return self._problems or (self,)


class NetworkGraphError(SpikeCostError, ValueError):
    """A Nengo network cannot be read as populations and pathways."""


class DataError(SpikeCostError, ValueError):
    """Input data (images, labels, files) are missing or of the wrong shape or value."""


class AxesError(DataError):
    """Samples do not have the axes that a network takes, or the steps of a sample are not known."""


class MeasurementError(SpikeCostError, RuntimeError):
    """A simulation could not be run or its spikes could not be counted.

    Parameters
    ----------
    message : str
        The whole sentence shown to the user.
    activity : Activity, optional
        What was measured before the failure.
    """

    def __init__(self, message: str, activity: Any = None):
        super().__init__(message)
        self.activity = activity


class LoihiError(SpikeCostError, ValueError):
    """A network cannot run on Loihi or NengoLoihi's emulator as it is.

    Parameters
    ----------
    message : str
        The whole text shown to the user.
    problems : tuple of nengo_spikecost.loihi.Unsupported
        What was found, one entry an object.
    """

    def __init__(self, message: str, problems: tuple[Any, ...] = ()):
        super().__init__(message)
        self.problems = problems


class EnergyError(SpikeCostError, ValueError):
    """An energy estimate was asked for that cannot be made."""


class UnknownDeviceError(EnergyError):
    """No device of that name is in the device table."""


class MissingActivityError(EnergyError):
    """A spiking device was to be priced without measured activity."""


class ChipError(SpikeCostError, ValueError):
    """A chip that people can buy is not known, or can't be asked this of a network."""


class TuningError(SpikeCostError, ValueError):
    """Settings of a network cannot be searched for, or it cannot be trained, as asked.

    Parameters
    ----------
    message : str
        The whole sentence shown to the user.
    result : FineTuning, optional
        What was reached before the failure.
    """

    def __init__(self, message: str, result: Any = None):
        super().__init__(message)
        self.result = result


class ScaleOutError(SpikeCostError, RuntimeError):
    """Work cannot be done by the workers of a cluster, or could not be finished there."""


class StudyError(TuningError):
    """A study can't be reached or read just now, and nothing is wrong with what is in it."""


class SpikeCostWarning(UserWarning):
    """Base class of every warning this package gives."""


class ConversionWarning(SpikeCostWarning):
    """The converted network differs from the Keras model in a way worth knowing."""


class UncountedWarning(SpikeCostWarning):
    """A part of the network could not be counted: totals are lower bounds."""


class EstimateWarning(SpikeCostWarning):
    """An estimate rests on an assumption that may not hold for this network."""


class EmulationWarning(SpikeCostWarning):
    """An emulated chip did something that its user may not expect of it."""


class MeasurementWarning(SpikeCostWarning):
    """A simulation did something that its user may not expect of it."""


class OverwriteWarning(SpikeCostWarning):
    """Something was registered under a name that was already taken."""


class ScaleOutWarning(SpikeCostWarning):
    """A cluster does not do what its user may expect of it."""


def last_line(error: BaseException) -> str:
    """The last line of what another package says, whose errors may go on for pages; "" if none."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else ""
