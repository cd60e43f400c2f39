"""How good a model is, from its stored test predictions: numpy only, no images, no network."""
