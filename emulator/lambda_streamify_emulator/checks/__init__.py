"""Known mistakes in a template, in its functions' code and settings: rules that run none of that code."""
