"""Fold and sketch."""
