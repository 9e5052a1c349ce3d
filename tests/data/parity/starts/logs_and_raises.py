"""Logs, prints, and then raises, while it is imported."""

import logging

logging.getLogger().setLevel(logging.INFO)
logging.info("preparing")
print("printed")
raise ValueError("no configuration")
