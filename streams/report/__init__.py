"""What a meeting opens with: the report card of an instant."""
