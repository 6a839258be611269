"""One figure style for the whole book, and figures that say what they show."""

import base64
import itertools
from io import BytesIO
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Paul Tol's "bright" order, chosen so that neighbours also differ in greyscale.
PALETTE = ["#4477AA", "#CCBB44", "#AA3377", "#66CCEE", "#228833", "#EE6677", "#777777"]


def use_style() -> None:
    """Set seaborn's theme and the sizes, colours and fonts of the book's figures."""
    # A white card in both themes: text and lines keep their contrast on a dark page too.
    rc = {
        "figure.figsize": (7.2, 4.0),
        "figure.dpi": 110,
        "figure.constrained_layout.use": True,
        "figure.facecolor": "white",
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "legend.frameon": False,
        "image.cmap": "cividis",
    }
    sns.set_theme(context="notebook", style="ticks", palette=PALETTE, rc=rc)
    # Figures reach the page through show(), once and with their description, never through a cell's end.
    mpl.rcParams["figure.max_open_warning"] = 5


def show(figure: Figure, alt: str) -> None:
    """Display a figure as a PNG that carries ``alt``, the text for readers who do not see it, and close it."""
    if not alt.strip():
        raise ValueError("A figure needs an alt text that says what it shows.")
    # No metadata: the software version would change the file without changing the picture.
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    plt.close(figure)
    png = base64.b64encode(buffer.getvalue()).decode()
    display({"image/png": png, "text/plain": "<figure>"}, metadata={"image/png": {"alt": alt}}, raw=True)


def label_points(axes: Axes, points: dict[str, tuple[Any, float]], size: float = 7.5) -> int:
    """Write each name beside its point where it covers no other name and no marker, with a line when that is far off.

    ``points`` has data coordinates by name; names given first get the better places. Call it last: the layout must
    not change afterwards. Returns the number of names that lie over another one or leave the axes.
    """
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.canvas.draw()
    markers = np.concatenate([c.get_offset_transform().transform(c.get_offsets()) for c in axes.collections])
    placed: list[Bbox] = []
    failed = 0
    for name, point in points.items():
        best: tuple[float, tuple[float, float]] = (np.inf, (0, 0))
        for distance, angle in itertools.product((6, 13, 22, 34, 48), np.deg2rad([0, 180, 90, 270, 45, 315, 135, 225])):
            offset = (distance * np.cos(angle), distance * np.sin(angle))
            box = _label(axes, name, point, offset, size, draw=False)
            over = sum(box.overlaps(other) for other in placed)
            outside = not (axes.bbox.contains(box.x0, box.y0) and axes.bbox.contains(box.x1, box.y1))
            cost = 1000 * (over + outside) + 10 * sum(box.contains(*marker) for marker in markers) + distance / 10
            best = min(best, (cost, offset))
        placed.append(_label(axes, name, point, best[1], size, draw=True))
        failed += best[0] >= 1000
    return failed


def _label(axes: Axes, name: str, point: Any, offset: tuple[float, float], size: float, draw: bool) -> Bbox:
    sideways, upwards = (0 if abs(d) < 1 else int(np.sign(d)) for d in offset)
    text = axes.annotate(
        name,
        point,
        xytext=offset,
        textcoords="offset points",
        ha={1: "left", 0: "center", -1: "right"}[sideways],
        va={1: "bottom", 0: "center", -1: "top"}[upwards],
        fontsize=size,
        arrowprops={"arrowstyle": "-", "color": "0.6", "lw": 0.6} if draw and np.hypot(*offset) > 10 else None,
    )
    text.get_window_extent()  # puts it in its place
    box = Text.get_window_extent(text).padded(1.5)  # the words alone, without the line
    if not draw:
        text.remove()
    return box
