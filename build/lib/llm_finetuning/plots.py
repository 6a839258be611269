"""One figure style for the whole book, and figures that say what they show."""

import base64
from io import BytesIO

import matplotlib as mpl
import matplotlib.pyplot as plt
import seaborn as sns
from IPython.display import display
from matplotlib.figure import Figure

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
