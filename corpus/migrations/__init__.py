"""Alembic migrations of the store, run by ``corpus.store`` when a database is opened."""
