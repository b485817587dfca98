"""Tocsin: an alarm bell for AI misuse that rivals can share."""

__version__ = "0.1.0"
