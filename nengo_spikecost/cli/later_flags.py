"""A command whose flags are made when somebody asks for them."""

from __future__ import annotations

from typing import Any, Callable

import click

from .commands import Described
from .option_flags import Decorator


class LaterFlags(Described):
    """A command with flags made of options that are slow to import.

    ``nengo-spikecost --help`` needs no command's flags, and should not wait for Nengo.

    Parameters
    ----------
    flags : callable
        Imports the options, and returns what `flags` makes of them.
    """

    def __init__(self, *args: Any, flags: Callable[[], Decorator], **others: Any):
        super().__init__(*args, **others)
        self._flags: Callable[[], Decorator] | None = flags

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """All flags: those of the options, then the command's own."""
        if self._flags is not None:
            make, self._flags = self._flags, None
            own, self.params = self.params, []
            make()(self)
            # the last decorator is applied first, and stands first in the help
            self.params = [*own, *reversed(self.params)]
        return super().get_params(ctx)
