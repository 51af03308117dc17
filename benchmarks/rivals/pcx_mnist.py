"""PCX, as its tutorials train: an EnergyModule of layers and vodes, train_on_batch, eval_on_batch.

https://github.com/liukidar/pcx, examples/0_two_moons.ipynb and 4_alexnet_pc.ipynb ("training functions are
identical to tutorial #0"), whose functions are kept: a last vode of cross-entropy, 8 steps of inference by
SGD with Nesterov's momentum of 0.5, leaky ReLU (the first), batches of 128 (the second), a pass forward
before the loop, as the first advises. Other than there: MNIST, and rates that lie between the two
tutorials' for its size, 0.001 for weights by AdamW (0.01 and 0.0001) and 0.03 for activities (0.01 and
0.05).
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["pcx==0.6.3"]
# [tool.arena]
# title = "PCX"
# versions = ["pcx", "jax"]
# batch = 128
# sizes = "784-300-300-10"
# method = "predictive coding"
# how = "the training functions of its tutorials, ten epochs"
# source = "https://github.com/liukidar/pcx/blob/main/examples/0_two_moons.ipynb"
# more = [
#   "energies and networks of any kind, convolutions too",
#   "incremental predictive coding",
#   "randomness and control flow tracked in compiled functions",
# ]
# ///

import jax
import numpy as np
import optax
import pcx as px
import pcx.functional as pxf
import pcx.nn as pxnn
import pcx.predictive_coding as pxc
import pcx.utils as pxu
from protocol import MEAN, STD, batches, mnist, one_hot, report

px.RKG.seed(0)


class Model(pxc.EnergyModule):
    def __init__(self, input_dim, hidden_dim, output_dim, nm_layers, act_fn):
        super().__init__()
        self.act_fn = px.static(act_fn)
        self.layers = (
            [pxnn.Linear(input_dim, hidden_dim)]
            + [pxnn.Linear(hidden_dim, hidden_dim) for _ in range(nm_layers - 2)]
            + [pxnn.Linear(hidden_dim, output_dim)]
        )
        self.vodes = [pxc.Vode() for _ in range(nm_layers - 1)] + [pxc.Vode(pxc.ce_energy)]
        self.vodes[-1].h.frozen = True

    def __call__(self, x, y):
        for v, l in zip(self.vodes[:-1], self.layers[:-1], strict=True):
            x = v(self.act_fn(l(x)))
        x = self.vodes[-1](self.layers[-1](x))
        if y is not None:
            self.vodes[-1].set("h", y)
        return self.vodes[-1].get("u")


MASK = pxu.M(pxc.VodeParam | pxc.VodeParam.Cache).to((None, 0))
STATES = pxu.M_hasnot(pxc.VodeParam, frozen=True)


@pxf.vmap(MASK, in_axes=(0, 0), out_axes=0)
def forward(x, y, *, model):
    return model(x, y)


@pxf.vmap(MASK, in_axes=(0,), out_axes=(None, 0), axis_name="batch")
def energy(x, *, model):
    y_ = model(x, None)
    return jax.lax.psum(model.energy(), "batch"), y_


@pxf.jit(static_argnums=0)
def train_on_batch(T, x, y, *, model, optim_w, optim_h):
    model.train()

    # Init step
    with pxu.step(model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        forward(x, y, model=model)
    optim_h.init(STATES(model))

    # Inference steps
    for _ in range(T):
        with pxu.step(model, clear_params=pxc.VodeParam.Cache):
            _, g = pxf.value_and_grad(STATES.to([False, True]), has_aux=True)(energy)(
                x, model=model
            )
        optim_h.step(model, g["model"])
    optim_h.clear()

    # Weight update step
    with pxu.step(model, clear_params=pxc.VodeParam.Cache):
        learnt = pxu.M(pxnn.LayerParam).to([False, True])
        _, g = pxf.value_and_grad(learnt, has_aux=True)(energy)(x, model=model)
    optim_w.step(model, g["model"], scale_by=1.0 / x.shape[0])


@pxf.jit()
def eval_on_batch(x, y, *, model):
    model.eval()
    with pxu.step(model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
        y_ = forward(x, None, model=model).argmax(axis=-1)
    return (y_ == y).sum(), y_


batch_size, nm_epochs = 128, 10
x_train, y_train = mnist("train")
x_test, y_test = mnist("test")
x_train, x_test = (x_train - MEAN) / STD, (x_test - MEAN) / STD
y_train = one_hot(y_train)

model = Model(784, 300, 10, nm_layers=3, act_fn=jax.nn.leaky_relu)
with pxu.step(model, pxc.STATUS.INIT, clear_params=pxc.VodeParam.Cache):
    forward(jax.numpy.zeros((batch_size, 784)), None, model=model)
optim_w = pxu.Optim(lambda: optax.adamw(1e-3), pxu.M(pxnn.LayerParam)(model))
optim_h = pxu.Optim(lambda: optax.sgd(3e-2, momentum=0.5, nesterov=True))

iteration, random = 0, np.random.default_rng(0)
for _ in range(nm_epochs):
    for x, y in batches(x_train, y_train, batch_size, random):
        train_on_batch(8, x, y, model=model, optim_w=optim_w, optim_h=optim_h)
        iteration += 1
        if iteration == 1:
            jax.block_until_ready(model.layers[0].nn.weight.get())
            report(iteration)
    # Batches have one size, as the vodes keep it: the last is filled up, and what fills it is not counted.
    right = 0
    for start in range(0, len(x_test), batch_size):
        x, y = x_test[start : start + batch_size], y_test[start : start + batch_size]
        fill = batch_size - len(x)
        x, y = np.pad(x, ((0, fill), (0, 0))), np.pad(y, (0, fill), constant_values=-1)
        right += int(eval_on_batch(x, y, model=model)[0])
    report(iteration, 100 * right / len(x_test))
