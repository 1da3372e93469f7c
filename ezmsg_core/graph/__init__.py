"""The graph server's whole state as one synchronous machine.

`GraphMachine.handle(stimulus, now)` is the only way to change it, and returns the effects that a shell carries out.
No event loop, clock, randomness or I/O: time and ids are arguments, so a run can be replayed from its inputs.
"""
