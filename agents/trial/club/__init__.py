"""The club of the demonstration: made-up members on real flights. docs/demonstration.md says what is real."""
