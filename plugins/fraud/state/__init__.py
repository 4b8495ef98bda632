"""State: what is kept of the keys of payments, wherever it is; ``protocol`` is the contract."""
