"""What the inspector knows: facts reduced to slices, with a revision for whatever is shown; no clock, no connection."""
