"""What tests share: synthetic data, waiting for states, the app's server, clients of it."""
