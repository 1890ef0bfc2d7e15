"""One deployment of local AWS in a file: made once, started from as often as one likes."""
