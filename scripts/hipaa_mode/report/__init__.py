"""The report: one HTML file that tells what each destination gets, and what proves it."""
