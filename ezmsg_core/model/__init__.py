"""Frozen typed values that the whole project speaks in: graph, components, settings, processes, profiles, events.

No behaviour beyond building, comparing, checking and folding values; no I/O.
"""
