"""Chaos: real gateways before an upstream with a book, faults drawn from a seed, and a judge who compares the books."""
