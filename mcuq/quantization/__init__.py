"""From real numbers to integers: ranges, schemes, corrections."""
