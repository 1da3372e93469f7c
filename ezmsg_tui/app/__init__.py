"""The application: one screen, one pump, and the terminal as it was found."""
