"""Tests on the servers of other engines."""
