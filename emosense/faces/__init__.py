"""Finding faces and framing them as the networks were trained."""
