"""What every test gets: a room of its own, a limit in time, a look at what it left behind; and golden pictures."""

from hypothesis import settings

pytest_plugins = ["tests.plugins.room", "tests.plugins.hang_guard", "tests.plugins.leaks", "tests.plugins.golden"]

# How long one example takes says more about a busy machine than about the code.
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")
