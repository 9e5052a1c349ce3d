"""Writes bytecode into a build, so that Python does not compile each module again at each cold start."""
