"""What the functions share: each zip contains the modules that its function imports."""
