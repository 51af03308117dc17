"""This package again: the same command finds what the first run compiled, in the cache folder."""
# /// script
# requires-python = ">=3.11"
# dependencies = []
# [tool.arena]
# title = "this package, second run"
# command = "-m bpc_minimal train --preset fast --json --out {scratch}/{name}"
# own = true
# batch = 128
# sizes = "10-300-300-784, both ways"
# method = "predictive coding"
# how = "the same command again: what it compiled the first time is kept"
# source = "book/10_fast.ipynb"
# ///
