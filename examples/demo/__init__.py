"""The demo: a fake Stripe, a payment backend and Payguard in front of it, and payments that go through.

``payguard demo`` runs it; ``python -m examples.demo`` does the same.
"""
