from __future__ import annotations

import os

import stripe
import uvicorn

from examples.backend.app import create_app
from examples.backend.book import Book
from examples.backend.processor import Processor


def main() -> None:
    client = stripe.StripeClient(
        os.environ.get("STRIPE_SECRET_KEY", "sk_test_example"),
        base_addresses={"api": os.environ.get("STRIPE_API_BASE", "http://127.0.0.1:12111")},
        http_client=stripe.HTTPXClient(timeout=10),
    )
    book = Book(os.environ.get("BOOK", ":memory:"))
    uvicorn.run(
        create_app(Processor(client), book),
        host="127.0.0.1",
        port=int(os.environ.get("PORT", "9000")),
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
