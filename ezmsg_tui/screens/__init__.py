"""The views: each asks the desk for view models, shows them, and turns keys into commands."""
