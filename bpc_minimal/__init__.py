"""Bidirectional predictive coding, minimal: the package that the book is written around.

The method is network, energy, inference and learning: an hour, if curvature is left aside, which gives the
length of a step. All of it, in this order: data, network, energy, curvature, inference, shortcuts (speed),
config, learning, evaluation, divergence, training, checkpoint. What stands here is `public`: its
arguments are taken once, by `arguments`, and then the function of that name in its module runs, which checks
nothing. `figures` (by `svg`) draws, `__main__` is the command line; `files`, `process`, `programs` and
`images` serve it; `browser` writes what a web page loads; `devices` says where arrays lie.
"""

import bpc_minimal.process  # noqa: F401  # first: importing JAX takes a second in which one may press Ctrl-C
from bpc_minimal import arguments, data, energy, evaluation, inference, learning, network, training
from bpc_minimal.arguments import ArgumentError, public
from bpc_minimal.checkpoint import load, pretrained, save, take_whole
from bpc_minimal.config import PRESETS, Config, preset
from bpc_minimal.inference import BIDIRECTIONAL, DISCRIMINATIVE, GENERATIVE, HYBRID, Rule
from bpc_minimal.learning import TrainState
from bpc_minimal.network import Network
from bpc_minimal.training import Checkpoint, Data, History

load_mnist = public(data.load_mnist)
load_dataset = public(data.load_dataset)
normalise = public(data.normalise, images=arguments.images_to_normalise)
denormalise = public(data.denormalise)
one_hot = public(data.one_hot)
class_means = public(
    data.class_means,
    images=arguments.images_of_classes,
    labels=arguments.labels_of_all_classes,
)
add_activation = public(network.add_activation, name=arguments.new_activation)
make_network = public(network.make_network)
sweep_down = public(network.sweep_down, labels=arguments.label_layer)
sweep_up = public(network.sweep_up)
errors = public(energy.errors)
activity_gradient = public(energy.activity_gradient)
energy = public(energy.energy)  # type: ignore[assignment]  # the function takes the module's name
infer = public(inference.infer)
make_state = public(learning.make_state)
weight_gradient = public(learning.weight_gradient)
train_step = public(
    learning.train_step, images=arguments.batch_of_config, labels=arguments.labels_of_config
)
_read: dict = {
    "images": arguments.images_or_hidden,
    "steps": arguments.take_or_none,
    "step_size": arguments.take_or_none,
}
label_activities = public(evaluation.label_activities, **_read)
classify = public(evaluation.classify, **_read)
generate = public(evaluation.generate)
complete = public(
    evaluation.complete,
    images=arguments.images_or_hidden,
    visible=arguments.seen_pixels,
    labels=arguments.take_or_none,
    alpha_gen=arguments.take_or_none,
)
evaluate = public(
    evaluation.evaluate,
    network=arguments.finite_network,
    images=arguments.images_of_config,
    labels=arguments.labels_of_config,
)
mnist = public(training.mnist)
fit = public(training.fit, resume=take_whole)

__version__ = "0.1.0"

__all__ = [
    "BIDIRECTIONAL",
    "DISCRIMINATIVE",
    "GENERATIVE",
    "HYBRID",
    "PRESETS",
    "ArgumentError",
    "Checkpoint",
    "Config",
    "Data",
    "History",
    "Network",
    "Rule",
    "TrainState",
    "activity_gradient",
    "add_activation",
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
