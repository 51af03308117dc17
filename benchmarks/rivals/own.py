"""This package, as its command line says: one network that reads and draws.

`python -m bpc_minimal train --preset fast`, in the environment of the book. Its lines of --json are those
of the protocol. The process also writes a checkpoint after each epoch and draws its figures at the end.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = []
# [tool.arena]
# title = "this package"
# command = "-m bpc_minimal train --preset fast --json --out {scratch}/{name}"
# own = true
# batch = 128
# sizes = "10-300-300-784, both ways"
# method = "predictive coding"
# how = "the command `python -m bpc_minimal train --preset fast`, three epochs"
# source = "book/05_training_loop.ipynb"
# ///
