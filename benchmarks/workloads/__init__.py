"""The workloads, and who runs them.

`data` says what goes in; `keras_models` builds the models for everything with Keras' API (ours is one), and
`torch_models` builds the same for PyTorch. The files named after a peer hold its ways to train and to predict.
"""
