"""Sites and forms: what is deployed, served to visitors, and sent in by them."""
