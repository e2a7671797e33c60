"""A made-up hotel group and two years of its stays, posted through the real HTTP API."""
