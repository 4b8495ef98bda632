"""What puts Payguard beside a backend: its chart, its image, and what is generated for them."""
