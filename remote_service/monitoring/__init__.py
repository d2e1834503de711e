"""What the server tells about itself: health, readiness and figures."""
