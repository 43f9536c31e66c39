"""Calls into TensorFlow that end between two of its operations, where TensorFlow can do that."""

from __future__ import annotations

import importlib
from typing import Any, Callable, TypeVar

R = TypeVar("R")


def cancellable(run: Callable[[], R]) -> tuple[Callable[[], R], Callable[[], Any]]:
    """A call that runs functions of TensorFlow, and a function that ends it.

    What is ended raises an error of TensorFlow's. TensorFlow 2.12 has no such way
    to reach functions that Keras calls: they run to their end.

    Parameters
    ----------
    run : callable
        Only one may run at a time.

    Notes
    -----
    Reference: tensorflow 2.21.0, python/eager/cancellation.py. Functions called within a
    ``CancellationManagerContext`` take the manager when they begin. It is one for all threads, so
    it is left when they are told to end: those that begin afterwards are others.
    """
    module: Any = importlib.import_module("tensorflow.python.eager.cancellation")
    if not hasattr(module, "CancellationManagerContext"):
        return run, lambda: None
    manager = module.CancellationManager()
    context = module.CancellationManagerContext(manager)

    def runs() -> R:
        with context:
            return run()

    def end() -> None:
        manager.start_cancel()
        context.__exit__(None, None, None)

    return runs, end
