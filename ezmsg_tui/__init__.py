"""The inspector: attaches to a live graph, shows it as it changes, edits its settings."""
