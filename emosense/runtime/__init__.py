"""Inference runtimes: the device of the Keras backend, ONNX Runtime sessions, environment."""
