"""Drawing results onto pictures: colours, annotated boxes, explanation heat maps."""
