"""What pages post, checked; one module a part of the site."""
