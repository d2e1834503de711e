"""Admission control: what strangers may take of the server before it knows who they are."""
