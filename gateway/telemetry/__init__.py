"""What the gateway tells of itself: log lines, masking, metrics, spans."""
