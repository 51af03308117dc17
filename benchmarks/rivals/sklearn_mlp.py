"""scikit-learn's MLPClassifier with its default settings, one pass over the data a call.

https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html: Adam, batches
of 200, a rate of 0.001, alpha 0.0001. `partial_fit` makes one pass, after which `score` is asked. Pixels
lie in [0, 1], as in https://scikit-learn.org/stable/auto_examples/neural_networks/plot_mnist_filters.html.
"""
# /// script
# requires-python = ">=3.11"
# dependencies = ["torch==2.14.1", "torchvision==0.29.1", "torch-pc==0.1.0", "scikit-learn==1.9.1"]
# [tool.arena]
# title = "scikit-learn, MLPClassifier"
# environment = "torch"
# versions = ["scikit-learn"]
# batch = 200
# sizes = "784-300-300-10"
# method = "backprop"
# how = "its default settings, by `partial_fit`, ten epochs"
# source = "https://scikit-learn.org/stable/modules/generated/sklearn.neural_network.MLPClassifier.html"
# ///

import numpy as np
from protocol import mnist, report
from sklearn.neural_network import MLPClassifier

X_train, y_train = mnist("train")
X_test, y_test = mnist("test")

mlp = MLPClassifier(hidden_layer_sizes=(300, 300), random_state=1)
for epoch in range(10):
    mlp.partial_fit(X_train, y_train, classes=np.arange(10))
    report((epoch + 1) * len(X_train) // 200, 100 * mlp.score(X_test, y_test))
