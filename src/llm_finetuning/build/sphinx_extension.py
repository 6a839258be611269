"""The book's Sphinx extension: formulas as MathML, and no script of a service that the site does not use."""

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx


def _render(latex: str, display: str) -> str:
    # latex2mathml makes rows of `split`, which is `aligned` under another name, and of nothing outside of it.
    latex = latex.replace("{aligned}", "{split}").replace("\\arg\\", "\\mathrm{arg}\\,\\")  # unknown to it
    if "\\\\" in latex and "\\begin" not in latex:
        lines = "\\\\".join(f"& {line}" for line in latex.split("\\\\"))
        latex = f"\\begin{{split}}{lines}\\end{{split}}"
    formula = str(convert(latex, display=display))
    if "\\" in formula:
        raise ValueError(f"latex2mathml leaves a command of this formula as it is: {latex}")
    return formula


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
