"""Drives browsers: opens the page in each, waits until it has measured, and says what came of it."""
