"""`simulator="compiled"`: Nengo's operators as instructions of compiled code."""
