"""Offline: what looks at histories of payments, to train models and to see what a policy would have done."""
