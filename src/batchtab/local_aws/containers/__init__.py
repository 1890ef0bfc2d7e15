"""Jobs as containers, on whatever engine of this machine speaks Docker's command line."""
