"""How results look, whatever they are of: tables, SI prefixes, HTML, files and plots.

`Result` gives a record its `summary`, `to_frame`, `to_csv`, `to_json`, `plot` and its HTML. What a
record shows is a `Presenter`, registered for its type in the ``shown`` folder of the record's own
room. This room knows no record.
"""

from .presenter import Presenter, presents
from .result import Result
from .table import Table

__all__ = ["Presenter", "Result", "Table", "presents"]
