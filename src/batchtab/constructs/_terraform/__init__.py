"""What the constructs share: expressions, resources, names, documents, the provider's import, the modules' export."""
