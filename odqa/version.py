"""The version of odqa."""

__version__ = "0.1.0"
