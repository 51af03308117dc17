"""FabricPC, as its quickstart trains MNIST: nodes, a graph, train, evaluate.

https://github.com/trueagi-io/FabricPC/blob/main/docs/user_guides/02_quickstart.md and
examples/mnist_demo.py, whose values are kept: sigmoid units, softmax with cross-entropy, 20 steps of
inference of 0.05, AdamW at 0.001 with a decay of 0.1, batches of 200, 20 epochs, pixels less their mean
over their deviation. Other than there: hidden layers of 300 and 300 for 256 and 64, an evaluation after
each epoch by its `epoch_callback`, and no bars of progress, since those wait for each batch. Its
MnistLoader reads through tensorflow_datasets; here arrays in memory do, which is less work.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["fabricpc==0.6.0"]
# [tool.arena]
# title = "FabricPC"
# batch = 200
# sizes = "784-300-300-10"
# method = "predictive coding"
# how = "its quickstart for MNIST, with hidden layers of 300, 20 epochs"
# source = "https://github.com/trueagi-io/FabricPC/blob/main/docs/user_guides/02_quickstart.md"
# more = [
#   "graphs of any shape, with cycles too",
#   "convolutions, transformer blocks and associative memories",
#   "the same graph by backprop",
# ]
# ///

import jax
import numpy as np
import optax
from fabricpc import setup_jax
from fabricpc.core.activations import SigmoidActivation, SoftmaxActivation
from fabricpc.core.energy import CrossEntropyEnergy
from fabricpc.core.inference import InferenceSGD
from fabricpc.core.initializers import XavierInitializer
from fabricpc.core.topology import Edge
from fabricpc.graph_assembly import TaskMap, graph
from fabricpc.graph_initialization import initialize_params
from fabricpc.nodes import IdentityNode, Linear
from fabricpc.training import evaluate, train
from protocol import MEAN, STD, batches, mnist, one_hot, quiet, report


class Loader:
    """Batches of MNIST, with a length, as the trainer asks for."""

    def __init__(self, split, batch_size, shuffle):
        images, labels = mnist(split)
        self.images, self.labels = (images - MEAN) / STD, one_hot(labels)
        self.batch_size = batch_size
        self.random = np.random.default_rng(42) if shuffle else None

    def __len__(self):
        return len(self.images) // self.batch_size

    def __iter__(self):
        return batches(self.images, self.labels, self.batch_size, self.random)


quiet()
setup_jax()
jax.config.update("jax_default_prng_impl", "threefry2x32")

pixels = IdentityNode(shape=(784,), name="pixels")
hidden1 = Linear(
    shape=(300,),
    activation=SigmoidActivation(),
    name="hidden1",
    weight_init=XavierInitializer(),
)
hidden2 = Linear(
    shape=(300,),
    activation=SigmoidActivation(),
    name="hidden2",
    weight_init=XavierInitializer(),
)
output = Linear(
    shape=(10,),
    activation=SoftmaxActivation(),
    energy=CrossEntropyEnergy(),
    name="class",
    weight_init=XavierInitializer(),
)
structure = graph(
    nodes=[pixels, hidden1, hidden2, output],
    edges=[
        Edge(source=pixels, target=hidden1.slot("in")),
        Edge(source=hidden1, target=hidden2.slot("in")),
        Edge(source=hidden2, target=output.slot("in")),
    ],
    task_map=TaskMap(x=pixels, y=output),
    inference=InferenceSGD(eta_infer=0.05, infer_steps=20),
)
train_config = {"num_epochs": 20}
batch_size = 200
optimizer = optax.adamw(0.001, weight_decay=0.1)

graph_key, train_key, eval_key = jax.random.split(jax.random.PRNGKey(0), 3)
params = initialize_params(structure, graph_key)
train_loader = Loader("train", batch_size, shuffle=True)
test_loader = Loader("test", batch_size, shuffle=False)


def on_epoch(context):
    metrics = evaluate(context.params, structure, test_loader, train_config, eval_key)
    report(context.step, 100 * metrics["accuracy"])


train(
    params=params,
    structure=structure,
    train_loader=train_loader,
    optimizer=optimizer,
    config=train_config,
    rng_key=train_key,
    verbose=False,
    epoch_callback=on_epoch,
)
