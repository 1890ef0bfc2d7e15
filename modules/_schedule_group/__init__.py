"""The group of a service's schedules: internal."""
