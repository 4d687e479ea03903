"""The identity that each signature is published under, and every change of it."""
