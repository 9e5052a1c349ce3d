"""A hook of MkDocs: only a site that `mike` deploys has a menu of versions. Elsewhere there is no list to read."""

import os
from typing import Any


def on_config(config: Any) -> Any:
    """Drop the menu unless mike builds the site, which it says in this variable."""
    if "MIKE_DOCS_VERSION" not in os.environ:
        config.extra.pop("version", None)
    return config
