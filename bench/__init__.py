"""The README's figures, each as a ratio against a bare limit measured beside it."""
