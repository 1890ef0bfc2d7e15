"""The submit function: decides whether a run of a job starts, and submits it once. It travels alone."""
