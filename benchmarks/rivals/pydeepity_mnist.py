"""Deepity's SimplePCN, as the README of its package trains MNIST.

https://pypi.org/project/pydeepity/, "MNIST, matched configuration": sigmoid units, 20 steps of settling,
batches of 250, AdamW at a rate of 0.00373 that falls to 0.94 of it after each epoch, activities that begin
with a forward projection. Other than there: hidden layers of 300 for 512, and 15 epochs for 100. The README
names no rate of inference for it; 0.08 stands in the repository's mnist.py
(https://github.com/Ra4ster/Deepity). Targets are 0 and 1.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["pydeepity==0.1.0a3"]
# [tool.arena]
# title = "Deepity"
# batch = 250
# sizes = "784-300-300-10"
# method = "predictive coding"
# how = "`SimplePCN` as its README trains MNIST, with hidden layers of 300, 15 epochs for 100"
# source = "https://pypi.org/project/pydeepity/"
# more = [
#   "kernels in C++, so that nothing is compiled when it runs",
#   "convolutions",
#   "feedback that is learnt, by direct Kolen-Pollack",
#   "a library for C++ itself",
# ]
# ///

import numpy as np
from deepity import Linear, Sigmoid, SimplePCN
from protocol import batches, mnist, one_hot, quiet, report

BATCH_SIZE, STEPS, EPOCHS, LR, DECAY_RATE = 250, 20, 15, 0.00373, 0.94

quiet()
X_train, y_train = mnist("train")
X_test, y_test = mnist("test")
Y_train = one_hot(y_train)

net = SimplePCN(
    Linear(784, 300), Sigmoid(),
    Linear(300, 300), Sigmoid(),
    Linear(300, 10),
    batch_size=BATCH_SIZE,
)  # fmt: skip
net.configure(learning_rate=LR, inference_rate=0.08, lmbda=0.0001, optimizer="ADAMW", seed=7)

iteration, random = 0, np.random.default_rng(7)
for epoch in range(EPOCHS):
    net.set_learning_rate(LR * DECAY_RATE**epoch)
    for X, Y in batches(X_train, Y_train, BATCH_SIZE, random):
        net.train_step_with_projection(X, Y, steps=STEPS)
        iteration += 1
        if iteration == 1:
            report(iteration)
    correct = 0
    for X, y in batches(X_test, y_test, BATCH_SIZE):
        found = np.asarray(net.predict_with_projection(X, steps=0)).reshape(BATCH_SIZE, 10)
        correct += np.sum(found.argmax(axis=1) == y)
    report(iteration, 100 * correct / len(y_test))
