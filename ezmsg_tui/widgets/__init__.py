"""Widgets that show view models and answer with messages; they know neither the store nor the connection."""
