"""Runs graphs of processing units that publish and subscribe by topic, in one process, many, or across hosts."""

__version__ = "0.1.0"  # the one place: the build reads it from here
