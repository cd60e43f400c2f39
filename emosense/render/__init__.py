"""Drawing of results: colours, annotated boxes, heat maps of explanations."""
