"""What the workers do with accepted mail."""
