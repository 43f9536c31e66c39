"""`advise`: the changes of a network that save most, predicted, made and measured again."""

from .advice_record import Advice, Advised, Untried, Weighed
from .advise import advise
from .advise_options import AdviseOptions

__all__ = ["Advice", "AdviseOptions", "Advised", "Untried", "Weighed", "advise"]
