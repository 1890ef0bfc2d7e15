"""What replaces the function `SendToSlack` on local AWS."""
