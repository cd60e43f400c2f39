"""Model evaluation from stored test predictions: neither images nor the network are needed."""
