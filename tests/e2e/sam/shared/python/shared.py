"""The layer of the template."""

GREETING = "hello"
