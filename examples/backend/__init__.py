"""A small payment service, as many teams have one: it takes payments at Stripe and keeps a book of them.

It knows nothing of Payguard.  Start it with ``python -m examples.backend``; the environment says the rest:

* ``PORT`` (9000) on 127.0.0.1
* ``STRIPE_API_BASE`` (http://127.0.0.1:12111) and ``STRIPE_SECRET_KEY`` (sk_test_example)
* ``BOOK`` (in memory): the SQLite file of its book
"""
