"""ngc-learn's discriminative network of Whittington and Bogacz, from its model museum.

https://ngc-learn.readthedocs.io/en/latest/museum/pcn_discrim.html and
https://github.com/NACLab/ngc-museum/tree/main/exhibits/pc_discrim, whose model and loop these are,
shortened: the same cells, synapses and processes, sigmoid units, 20 steps, tau of 25, Adam at 0.001,
batches of 250. Other than there: hidden layers of 300 for 512, 20 epochs for 100, and accuracy on the test
images alone after each (there, on held-out and all training images).
"""
# /// script
# requires-python = ">=3.12"
# dependencies = ["ngclearn==3.2.3"]
# [tool.arena]
# title = "ngc-learn"
# versions = ["ngclearn", "jax"]
# batch = 250
# sizes = "784-300-300-10"
# method = "predictive coding"
# how = "the exhibit `pc_discrim` of its museum, with hidden layers of 300, 20 epochs for 100"
# source = "https://github.com/NACLab/ngc-museum/tree/main/exhibits/pc_discrim"
# more = [
#   "spiking neurons and their plasticity",
#   "cells and synapses as parts to wire",
#   "convolutional synapses",
# ]
# ///

import numpy as np
from jax import numpy as jnp
from jax import random
from ngclearn import Context, MethodProcess
from ngclearn.components import GaussianErrorCell as ErrorCell
from ngclearn.components import HebbianSynapse, RateCell, StaticSynapse
from ngclearn.utils.distribution_generator import DistributionGenerator as dist
from protocol import batches, mnist, one_hot, quiet, report


class PCN:
    def __init__(self, dkey, in_dim, out_dim, hid1_dim, hid2_dim, T, tau_m, act_fx, eta):
        self.T = T
        dkey, *subkeys = random.split(dkey, 10)
        weights = dist.uniform(low=-0.3, high=0.3)
        learning = {
            "eta": eta,
            "weight_init": weights,
            "bias_init": dist.constant(value=0.0),
            "w_bound": 0.0,
            "optim_type": "adam",
            "sign_value": -1.0,
        }
        settling = {"tau_m": tau_m, "act_fx": act_fx, "prior": ("gaussian", 0.0)}
        settling["integration_type"] = "euler"
        with Context("Circuit") as self.circuit:
            self.z0 = RateCell("z0", n_units=in_dim, tau_m=0.0, act_fx="identity")
            self.z1 = RateCell("z1", n_units=hid1_dim, **settling)
            self.e1 = ErrorCell("e1", n_units=hid1_dim)
            self.z2 = RateCell("z2", n_units=hid2_dim, **settling)
            self.e2 = ErrorCell("e2", n_units=hid2_dim)
            self.z3 = RateCell("z3", n_units=out_dim, tau_m=0.0, act_fx="identity")
            self.e3 = ErrorCell("e3", n_units=out_dim)
            # forward synapses
            self.W1 = HebbianSynapse("W1", shape=(in_dim, hid1_dim), key=subkeys[4], **learning)
            self.W2 = HebbianSynapse("W2", shape=(hid1_dim, hid2_dim), key=subkeys[5], **learning)
            self.W3 = HebbianSynapse("W3", shape=(hid2_dim, out_dim), key=subkeys[6], **learning)
            # feedback synapses
            self.E2 = StaticSynapse(
                "E2", shape=(hid2_dim, hid1_dim), weight_init=weights, key=subkeys[4]
            )
            self.E3 = StaticSynapse(
                "E3", shape=(out_dim, hid2_dim), weight_init=weights, key=subkeys[5]
            )

            self.z0.zF >> self.W1.inputs
            self.W1.outputs >> self.e1.mu
            self.z1.z >> self.e1.target
            self.z1.zF >> self.W2.inputs
            self.W2.outputs >> self.e2.mu
            self.z2.z >> self.e2.target
            self.z2.zF >> self.W3.inputs
            self.W3.outputs >> self.e3.mu
            self.z3.z >> self.e3.target
            self.e2.dmu >> self.E2.inputs
            self.E2.outputs >> self.z1.j
            self.e1.dtarget >> self.z1.j_td
            self.e3.dmu >> self.E3.inputs
            self.E3.outputs >> self.z2.j
            self.e2.dtarget >> self.z2.j_td
            # two-factor Hebbian updates
            self.z0.zF >> self.W1.pre
            self.e1.dmu >> self.W1.post
            self.z1.zF >> self.W2.pre
            self.e2.dmu >> self.W2.post
            self.z2.zF >> self.W3.pre
            self.e3.dmu >> self.W3.post

            # projection
            self.q0 = RateCell("q0", n_units=in_dim, tau_m=0.0, act_fx="identity")
            self.q1 = RateCell("q1", n_units=hid1_dim, tau_m=0.0, act_fx=act_fx)
            self.q2 = RateCell("q2", n_units=hid2_dim, tau_m=0.0, act_fx=act_fx)
            self.q3 = RateCell("q3", n_units=out_dim, tau_m=0.0, act_fx="identity")
            self.eq3 = ErrorCell("eq3", n_units=out_dim)
            none = {"bias_init": dist.constant(value=0.0), "key": subkeys[0]}
            self.Q1 = StaticSynapse("Q1", shape=(in_dim, hid1_dim), **none)
            self.Q2 = StaticSynapse("Q2", shape=(hid1_dim, hid2_dim), **none)
            self.Q3 = StaticSynapse("Q3", shape=(hid2_dim, out_dim), **none)
            self.q0.zF >> self.Q1.inputs
            self.Q1.outputs >> self.q1.j
            self.q1.zF >> self.Q2.inputs
            self.Q2.outputs >> self.q2.j
            self.q2.zF >> self.Q3.inputs
            self.Q3.outputs >> self.q3.j

            self.advance = MethodProcess(name="advance_process")
            for part in (
                *(self.E2, self.E3, self.z0, self.z1, self.z2, self.z3),
                *(self.W1, self.W2, self.W3, self.e1, self.e2, self.e3),
            ):
                self.advance >> part.advance_state
            self.reset = MethodProcess(name="reset_process")
            for part in (
                *(self.q0, self.q1, self.q2, self.q3, self.eq3),
                *(self.z0, self.z1, self.z2, self.z3, self.e1, self.e2, self.e3),
            ):
                self.reset >> part.reset
            self.evolve = MethodProcess(name="evolve_process")
            for part in (self.W1, self.W2, self.W3):
                self.evolve >> part.evolve
            self.project = MethodProcess(name="project_process")
            for part in (self.q0, self.Q1, self.q1, self.Q2, self.q2, self.Q3, self.q3, self.eq3):
                self.project >> part.advance_state

    def process(self, obs, lab, adapt_synapses=True):
        lab = jnp.clip(lab, 0.001, 0.999)
        self.reset.run()

        # tie the projection to the forward synapses, and feedback to their transposes
        for tied, own in ((self.Q1, self.W1), (self.Q2, self.W2), (self.Q3, self.W3)):
            tied.weights.set(own.weights.get())
            tied.biases.set(own.biases.get())
        self.E2.weights.set(jnp.transpose(self.W2.weights.get()))
        self.E3.weights.set(jnp.transpose(self.W3.weights.get()))

        # P-step
        self.z0.j.set(obs)
        self.q0.j.set(obs)
        self.eq3.target.set(lab)
        self.project.run(t=0.0, dt=1.0)
        self.z1.z.set(self.q1.z.get())
        self.z2.z.set(self.q2.z.get())
        self.e3.dmu.set(self.eq3.dmu.get())
        self.e3.dtarget.set(self.eq3.dtarget.get())
        projected = self.q3.z.get()

        if adapt_synapses:
            for ts in range(self.T):  # E-steps
                self.z0.j.set(obs)
                self.q0.j.set(obs)
                self.z3.j.set(lab)
                self.advance.run(t=ts, dt=1.0)
            self.evolve.run(t=self.T, dt=1.0)  # M-step
        return projected


quiet()
X, y = mnist("train")
Xdev, ydev = mnist("test")
Y, Ydev = one_hot(y), one_hot(ydev)
model = PCN(random.PRNGKey(1234), 784, 10, 300, 300, T=20, tau_m=25.0, act_fx="sigmoid", eta=0.001)

iteration, shuffling = 0, np.random.default_rng(1234)
for _ in range(20):
    for Xb, Yb in batches(X, Y, 250, shuffling):
        model.process(obs=jnp.asarray(Xb), lab=jnp.asarray(Yb))
        iteration += 1
        if iteration == 1:
            report(iteration if model.W1.weights.get().block_until_ready() is not None else 0)
    right = 0
    for Xb, Yb in batches(Xdev, Ydev, 1000):
        found = model.process(obs=jnp.asarray(Xb), lab=jnp.asarray(Yb), adapt_synapses=False)
        right += int(jnp.sum(jnp.argmax(found, axis=1) == jnp.argmax(Yb, axis=1)))
    report(iteration, 100 * right / len(ydev))
