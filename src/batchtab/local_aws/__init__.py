"""Local AWS for one machine's development and tests: ministack, with a Batch service that runs jobs.

It is no security boundary and keeps nothing: credentials are not checked, and all state is gone when it stops.
"""
