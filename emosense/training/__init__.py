"""Training: data sets, recipes, training runs and model export."""
