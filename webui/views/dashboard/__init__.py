"""The dashboard for staff: one module a concern."""
