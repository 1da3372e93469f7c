"""The logger that programs and the runtime share."""

import logging

from ezmsg_core import config

logger = logging.getLogger("ezmsg")
"""Writes to standard error at the level that the environment names, unless the program has set it up otherwise."""


def _set_up() -> None:
    if logger.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    level = logging.getLevelNamesMapping().get(config.log_level())
    logger.setLevel(logging.INFO if level is None else level)


_set_up()
