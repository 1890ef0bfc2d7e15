"""The stand-in for the function `SendToSlack` on local AWS."""
