"""Runs graphs: units in this process and in workers, from start to end, whatever happens in between."""
