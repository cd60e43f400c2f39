"""Detector backends: YuNet on ONNX Runtime, OpenCV or Keras."""
