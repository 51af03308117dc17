"""Bidirectional predictive coding, minimal: the package that the book is written around.

Read it in this order, half an hour in all: data, network, energy, inference, config, learning,
evaluation, training, checkpoint. `figures` draws, `__main__` is the command line; `files`, `process` and
`images` serve it.
"""

import bpc_minimal.process  # noqa: F401  # first: importing JAX takes a second in which one may press Ctrl-C
from bpc_minimal.checkpoint import load, pretrained, save
from bpc_minimal.config import PRESETS, Config, preset
from bpc_minimal.data import (
    class_means,
    denormalise,
    load_dataset,
    load_mnist,
    normalise,
    one_hot,
)
from bpc_minimal.energy import activity_gradient, energy, errors
from bpc_minimal.evaluation import classify, complete, evaluate, generate, label_activities
from bpc_minimal.inference import (
    BIDIRECTIONAL,
    DISCRIMINATIVE,
    GENERATIVE,
    HYBRID,
    Rule,
    infer,
)
from bpc_minimal.learning import make_state, train_step, weight_gradient
from bpc_minimal.network import Network, make_network, sweep_down, sweep_up
from bpc_minimal.training import Checkpoint, Data, History, fit, mnist

__version__ = "0.1.0"

__all__ = [
    "BIDIRECTIONAL",
    "DISCRIMINATIVE",
    "GENERATIVE",
    "HYBRID",
    "PRESETS",
    "Checkpoint",
    "Config",
    "Data",
    "History",
    "Network",
    "Rule",
    "activity_gradient",
    "class_means",
    "classify",
    "complete",
    "denormalise",
    "energy",
    "errors",
    "evaluate",
    "fit",
    "generate",
    "infer",
    "label_activities",
    "load",
    "load_dataset",
    "load_mnist",
    "make_network",
    "make_state",
    "mnist",
    "normalise",
    "one_hot",
    "preset",
    "pretrained",
    "save",
    "sweep_down",
    "sweep_up",
    "train_step",
    "weight_gradient",
]
