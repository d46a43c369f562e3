"""Every face of the program; all of them thin."""

__version__ = "0.1.0"
