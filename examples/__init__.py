"""What runs beside Payguard in its demo and end-to-end tests: a payment backend and a fake of Stripe."""
