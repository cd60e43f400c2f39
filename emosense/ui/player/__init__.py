"""The player: the clip with boxes on the very frame shown, and its timeline."""
