"""Derived, rebuildable indexes over the store, and what is asked of them: search and clause alignment."""
