"""Neural networks for ESP32 boards: integer-only C, proven to fit, predicted byte for byte."""

__version__ = "0.1.0"
