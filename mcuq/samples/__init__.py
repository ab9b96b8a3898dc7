"""Files of samples: which arrays are what, and whether the answers to them are right."""
