"""Layout: workloads and estimates as tables, HTML, JSON and CSV. Imported by nobody below."""

from __future__ import annotations
