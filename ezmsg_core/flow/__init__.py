"""Arithmetic of the data plane: messages as bytes, windows, mailboxes, frames, the choice of a path.

No sockets, no clock, no event loop. `marshal` is the only module of the project that imports pickle.
"""
