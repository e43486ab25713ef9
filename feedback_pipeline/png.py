"""A figure as the bytes of a picture."""

from io import BytesIO

from matplotlib.figure import Figure

_DPI = 90


def png(figure: Figure) -> bytes:
    """The figure's PNG: the same bytes each time, for a file that is hashed."""
    image = BytesIO()
    figure.savefig(image, format="png", dpi=_DPI, metadata={"Software": None})
    return image.getvalue()
