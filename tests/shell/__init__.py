"""The loop with everything around it replaced by something that obeys the test."""
