"""Attaches the layer to a function that exists on AWS, and detaches it.

Everything is read before anything changes (`reading` into a `snapshot`). What follows from it is decided without I/O:
who calls the function (`callers`), what forbids it (`refusals`, `managed`), and the ordered steps (`ways`). A `plan` is
data: `doing` runs its steps one by one by `operations`, and writes each to a `plan_file`. `marks` are the tags from
which a plan is made again if its file is gone.
"""
