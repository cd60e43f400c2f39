"""Detector backends: YuNet by ONNX Runtime, OpenCV or Keras."""
