"""``python -m nengo_spikecost.cli``."""

from . import main

main()
