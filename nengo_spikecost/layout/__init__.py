"""How results look: tables, SI prefixes, HTML, files and plots.

`Result` gives a record its `summary`, `to_frame`, `to_csv`, `to_json`, `plot` and HTML. A
`Presenter` says what these contain; it is registered for the type of the record, in the folder
``shown`` of the record's own room. This room knows no record.
"""

from .presenter import Presenter, presents
from .result import Result
from .table import Table

__all__ = ["Presenter", "Result", "Table", "presents"]
