"""Video analysis: options, pipeline, interpolation, timelines and key moments."""
