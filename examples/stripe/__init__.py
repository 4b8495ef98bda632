"""A fake of Stripe on loopback: localstripe keeps the state, a thin double in front adds what it lacks.

localstripe knows payment intents, refunds, customers and signed webhooks.  The double adds idempotency keys, card
numbers that are declined, fields that localstripe refuses, and faults on demand.  Start both with
``python -m examples.stripe``.
"""
