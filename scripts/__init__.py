"""What keeps the series: runs and stores notebooks, trains what lies in data/, measures, publishes, tries launches."""
