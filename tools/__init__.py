"""Programs for those who install, test and develop the gateway; the product imports nothing from here."""
