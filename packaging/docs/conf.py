"""The settings of Sphinx for `make docs`, which gives the version in MMX_VERSION."""

from __future__ import annotations

import os
import re

from docutils import nodes
from sphinx.application import Sphinx

project = "libmmx"
version = release = os.environ["MMX_VERSION"]
extensions = ["myst_parser"]
root_doc = "index"
myst_heading_anchors = 4
highlight_language = "none"
html_theme = "furo"
html_title = f"libmmx {version}"
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False
smartquotes = False
nitpicky = True
# Pieces of code with "…" in them are no whole program.
suppress_warnings = ["misc.highlighting_failure"]

NAME = re.compile(r"(mmx_[a-z0-9_]+)(?:\(\))?|(MMX_[A-Z0-9_]+)")
MARK = re.compile(r'<span id="(\w+)"></span>')


def keep_anchors(app: Sphinx, doctree: nodes.document) -> None:
    """A heading has the anchor that it has in a Markdown viewer, such as `mmx_delete_file`, first."""
    known: set[str] = set()
    for section in doctree.findall(nodes.section):
        slug = section.get("slug")
        if slug:
            section["ids"] = [slug, *(one for one in section["ids"] if one != slug)]
        known.update(section["ids"])
    document = app.env.docname
    if document.startswith("reference/") and document != "reference/index":
        for raw in doctree.findall(nodes.raw):
            known.update(MARK.findall(raw.astext()))
        for name in known:
            if NAME.fullmatch(name):
                app.env.metadata[document].setdefault("mmx_names", []).append(name)


def link_names(app: Sphinx, doctree: nodes.document, document: str) -> None:
    """What mmx.h declares is linked wherever a text mentions it as code."""
    where = {name: page for page, data in app.env.metadata.items() for name in data.get("mmx_names", ())}
    for literal in list(doctree.findall(nodes.literal)):
        match = NAME.fullmatch(literal.astext())
        name = match and (match[1] or match[2])
        if name not in where or isinstance(literal.parent, nodes.reference | nodes.title):
            continue
        if where[name] == document and isinstance(literal.parent.parent, nodes.entry):
            continue
        uri = "" if where[name] == document else app.builder.get_relative_uri(document, where[name])
        reference = nodes.reference("", "", internal=True, refuri=f"{uri}#{name}")
        literal.replace_self(reference)
        reference += literal


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", keep_anchors)
    app.connect("doctree-resolved", link_names)
