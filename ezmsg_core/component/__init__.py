"""The classes that programs are written with: units, collections, their settings, state and streams.

Pure: what runs, and where, is decided by the runtime; here is only what is declared, and what follows from it.
"""
