"""Measurements of the product against peers in the same run; the README beside this file lists them."""
