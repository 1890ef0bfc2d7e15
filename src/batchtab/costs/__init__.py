"""What runs cost: their times and sizes, and prices from a file. Neither AWS nor a clock is used."""
