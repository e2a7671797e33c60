"""What other rules would have made of the recorded history: the program simulated, without touching the books."""
