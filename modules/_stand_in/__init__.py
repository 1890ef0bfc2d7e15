"""What a local stage makes in place of things that exist elsewhere: internal."""
