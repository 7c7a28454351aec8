"""Run Blimp scripts in Python."""

__version__ = "0.1.0"
