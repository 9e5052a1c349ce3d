"""Draws the pictures of the documents: `make pictures`. A test compares the files with what is drawn here.

One module draws one picture, or one kind. Each is made from the code, from a recording, or from a list in the module.
"""
