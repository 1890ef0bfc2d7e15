"""What the functions share: each zip holds the modules that its function imports."""
