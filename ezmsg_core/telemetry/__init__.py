"""Counters of endpoints and what observers make of them. No clock: the time is an argument, in monotonic ns."""
