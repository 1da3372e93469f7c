"""Sockets, and the files that lead to them; no meaning of what crosses them."""
