"""Bytes to typed frames and back: the handshake, the frames of each direction, their limits.

No sockets and no clock: a shell feeds received bytes in and moves the bytes that come out.
"""
