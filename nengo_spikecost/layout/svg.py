"""Plots as SVG inside a page: its text, its colours, and no id twice."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree

from .charts import Drawing
from .panels import plain_labels

_INK = "#010203"
"""Stands for the colour of text until the page's own takes its place: nobody else draws in it."""

# matplotlib's names of settings whose colour is that of text
_INKED = (
    "text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color",
)  # fmt: skip

_SVG, _LINK = "http://www.w3.org/2000/svg", "{http://www.w3.org/1999/xlink}href"


def to_svg(drawing: Drawing, number: int) -> str:
    """A drawing as an ``<svg>`` element.

    Parameters
    ----------
    drawing : Drawing
    number : int
        Of the drawing in its page: ids begin with it.

    Returns
    -------
    str
        Text stays text, so that a page can be searched and read aloud; what is black on paper
        has the colour of the page's text.
    """
    root = ElementTree.fromstring(_drawn(drawing))
    for size in ("width", "height"):  # the page's style says them
        del root.attrib[size]
    for unneeded in (f"{{{_SVG}}}metadata", f"{{{_SVG}}}defs"):
        for element in root.findall(unneeded):
            root.remove(element) if unneeded.endswith("metadata") else _without_style(element)
    prefix = f"chart-{number}-"
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, prefix + value)
            elif name in ("href", _LINK):
                element.set(name, value.replace("#", f"#{prefix}", 1))
            elif name in ("style", "clip-path", "fill", "stroke"):
                element.set(name, _restyled(value, prefix))
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK[1:].partition("}")[0])
    return ElementTree.tostring(root, encoding="unicode")


def _drawn(drawing: Drawing) -> str:
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    settings = dict.fromkeys(_INKED, _INK)
    # the salt makes ids the same in every run
    settings.update({"svg.fonttype": "none", "svg.hashsalt": "nengo-spikecost"})
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=drawing.size, layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.subplots(1, drawing.panels)
        drawing.draw(axes)
        plain_labels(axes)
        out = io.StringIO()
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(out, format="svg", transparent=True, metadata=nothing)
    return out.getvalue()


def _without_style(definitions: ElementTree.Element) -> None:
    """A style inside an SVG would be the whole page's."""
    for style in definitions.findall(f"{{{_SVG}}}style"):
        definitions.remove(style)


def _restyled(style: str, prefix: str) -> str:
    style = style.replace("url(#", f"url(#{prefix}").replace(_INK, "currentColor")
    style = style.replace("#000000", "currentColor")
    return re.sub(r"font(-family)?: [^;]*sans-serif", _page_font, style)


def _page_font(found: re.Match[str]) -> str:
    """The page's own font, at the size and weight that were drawn."""
    size = re.search(r"[\d.]+px", found.group())
    return f"font-size: {size.group()}" if size else ""
