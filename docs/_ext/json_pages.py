"""Directive ``json-files``: every kind of JSON file as a table of its keys, from the schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nengo_spikecost import schemas

#: How a value is written that has a name of its own: the names of layers, devices, outputs.
ANY = "<name>"


class JsonFiles(SphinxDirective):
    """A section a kind of file; below, one for each part that several files share."""

    def run(self) -> list[nodes.Node]:
        shared: dict[str, Any] = {}
        sections = []
        for kind in schemas.kinds():
            schema = schemas.json_schema(kind)
            shared.update(schema.get("$defs", {}))
            about = f"{schema['description']} Format: {schema['title']}"
            sections.append(self._section(f"json-{kind}", kind, about, schema))
        sections += [
            self._section(f"json-part-{name}", name, part["description"], part)
            for name, part in sorted(shared.items())
        ]
        return sections

    def _section(
        self, anchor: str, title: str, about: str, schema: Mapping[str, Any]
    ) -> nodes.Node:
        section = nodes.section(ids=[anchor], names=[anchor])
        self.state.document.note_explicit_target(section)
        section += nodes.title(text=title)
        text, _ = self.parse_inline(about.replace("`", "``"))
        section += nodes.paragraph("", "", *text)
        section += _table(_rows(schema, ""))
        return section


def _rows(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, nodes.Node, str]]:
    """Key with the way to it, type, and description of all that is in an object or a list."""
    for key, part in _parts(schema):
        own = f"{path}{key}"
        yield own, _type(part), part.get("description", "")
        inner = part
        while "items" in inner:
            inner, own = inner["items"], f"{own}[]"
        for one in inner.get("anyOf", [inner]):
            yield from _rows(one, f"{own}.")


def _parts(schema: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    for pattern, part in schema.get("patternProperties", {}).items():
        yield f"<{pattern.strip('^$')}>", part
    if isinstance(schema.get("additionalProperties"), Mapping):
        yield ANY, schema["additionalProperties"]


def _type(part: Mapping[str, Any]) -> nodes.Node:
    """The types in words; shared parts as links."""
    words = nodes.paragraph()
    for one in part.get("anyOf", [part]):
        if len(words):
            words += nodes.Text(" or ")
        if "$ref" in one:
            name = one["$ref"].rpartition("/")[2]
            words += nodes.reference("", name, refid=f"json-part-{name}", internal=True)
        elif "const" in one or "enum" in one:
            words += nodes.Text(", ".join(map(str, one.get("enum", [one.get("const")]))))
        else:
            kinds = one.get("type", "any")
            words += nodes.Text(kinds if isinstance(kinds, str) else " or ".join(kinds))
    return words


def _table(rows: Iterator[tuple[str, nodes.Node, str]]) -> nodes.Node:
    group = nodes.tgroup(cols=3)
    group += [nodes.colspec(colwidth=width) for width in (3, 2, 5)]
    head, body = nodes.thead(), nodes.tbody()
    head += _row(*(nodes.paragraph(text=word) for word in ("Key", "Type", "What it is")))
    for key, kind, words in rows:
        name = nodes.paragraph("", "", nodes.literal(text=key))
        body += _row(name, kind, nodes.paragraph(text=words))
    group += [head, body]
    table = nodes.table(classes=["json"])
    table += group
    return table


def _row(*cells: nodes.Node) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        row += nodes.entry("", cell)
    return row


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("json-files", JsonFiles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
