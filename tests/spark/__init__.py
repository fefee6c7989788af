"""Tests with a real Spark; `make spark` runs them."""
