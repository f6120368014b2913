"""What can be done with sending domains."""
