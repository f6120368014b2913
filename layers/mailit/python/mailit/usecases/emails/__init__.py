"""What can be done with emails."""
