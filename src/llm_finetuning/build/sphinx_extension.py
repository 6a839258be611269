"""The book's Sphinx extension: formulas as MathML, and no script of a service that the site does not use."""

import html
from typing import Any
from xml.etree.ElementTree import Element, tostring
from xml.sax.saxutils import unescape

from docutils import nodes
from latex2mathml.converter import convert_to_element
from sphinx.application import Sphinx

FUNCTIONS = {"cos", "cosh", "det", "dim", "exp", "lg", "ln", "log", "sin", "sinh", "tan", "tanh"}


def _render(latex: str, display: str) -> str:
    # latex2mathml makes rows of `split`, which is `aligned` under another name, and of nothing outside of it.
    latex = latex.replace("{aligned}", "{split}").replace("\\arg\\", "\\mathrm{arg}\\,\\")  # unknown to it
    if "\\\\" in latex and "\\begin" not in latex:
        lines = "\\\\".join(f"& {line}" for line in latex.split("\\\\"))
        latex = f"\\begin{{split}}{lines}\\end{{split}}"
    element = convert_to_element(latex, display=display)
    _space_functions(element)
    formula = unescape(tostring(element, encoding="unicode"))  # signs are character references in it
    if "\\" in formula:
        raise ValueError(f"latex2mathml leaves a command of this formula as it is: {latex}")
    return formula


def _space_functions(formula: Element) -> None:
    """Put TeX's thin space around names of functions, which latex2mathml sets like a product: n log n, log P(x)."""
    for row in list(formula.iter("mrow")):
        parts = list(row)
        for number in reversed(range(len(parts))):
            if _edge(parts[number], 0).text not in FUNCTIONS:
                continue
            after, before = parts[number + 1 : number + 2], parts[number - 1 : number] if number else []
            if after and _edge(after[0], 0).tag not in ("mo", "mspace"):  # a bracket stands close
                row.insert(number + 1, Element("mspace", width="0.17em"))
            # A name before this one has its space already.
            if before and _closes(_edge(before[0], -1)) and _edge(before[0], 0).text not in FUNCTIONS:
                row.insert(number, Element("mspace", width="0.17em"))


def _edge(part: Element, side: int) -> Element:
    """Return what stands first (0) in a part of a formula, or last (-1): of a base with indices, the base."""
    while len(part):
        part = part[side if part.tag == "mrow" else 0]
    return part


def _closes(sign: Element) -> bool:
    return sign.tag in ("mi", "mn", "mtext") or html.unescape(sign.text or "") in (")", "]", "}", "|", "!")


def _inline(writer: Any, node: nodes.Element) -> None:
    writer.body.append(_render(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Element) -> None:
    # Wide formulas scroll inside their own box on a phone; the keyboard reaches the box.
    writer.body.append(f'<div class="math-block" tabindex="0">{_render(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def _without_thebe(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    # jupyter-book loads sphinx-thebe twice whether it is used or not, and its second constant is a script error.
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "thebe" not in f"{script} {getattr(script, 'attributes', '')}".lower()
    ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the formula renderer under the name ``mathml`` and the hook that leaves scripts out."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("html-page-context", _without_thebe, priority=900)  # after everyone who adds scripts
    return {"parallel_read_safe": True, "parallel_write_safe": True}
