"""A Sphinx extension that renders formulas as MathML at build time: no script and no font from anywhere else."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def _render(latex: str, display: str) -> str:
    # A formula of several lines stands in an environment that aligns it.
    if "\\\\" in latex and "\\begin" not in latex:
        latex = f"\\begin{{aligned}}{latex}\\end{{aligned}}"
    return str(convert(latex, display=display))


def _inline(writer: Any, node: nodes.Element) -> None:
    writer.body.append(_render(node.astext(), "inline"))
    raise nodes.SkipNode


def _block(writer: Any, node: nodes.Element) -> None:
    # Wide formulas scroll inside their own box on a phone; the keyboard reaches the box.
    writer.body.append(f'<div class="math-block" tabindex="0">{_render(node.astext(), "block")}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer under the name ``mathml``."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
