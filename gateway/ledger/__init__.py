"""The ledger: the durable record of every payment that passed, its idempotency key and its outcome."""
