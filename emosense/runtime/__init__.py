"""Where networks run: the device of the Keras backend, and ONNX Runtime sessions."""
