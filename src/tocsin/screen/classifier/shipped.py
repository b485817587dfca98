"""The model that ships with the package."""

from functools import cache
from importlib.resources import files

from tocsin.screen.classifier.model import Model, read_model


@cache
def shipped_model() -> Model:
    """Read the shipped model."""
    return read_model(files("tocsin.screen.classifier").joinpath("weights.bin").read_bytes())
