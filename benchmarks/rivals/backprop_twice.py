"""Backprop in JAX, twice: a classifier and a decoder. One BPC network does what both do."""
# /// script
# requires-python = ">=3.11"
# dependencies = []
# [tool.arena]
# title = "backprop twice, classifier and decoder"
# own = true
# batch = 128
# sizes = "784-300-300-10 and 10-300-300-784"
# method = "backprop"
# how = "as the classifier, with a decoder from label to image beside it"
# source = "benchmarks/backprop.py"
# ///

from backprop_classifier import run

if __name__ == "__main__":
    run(decoder=True)
