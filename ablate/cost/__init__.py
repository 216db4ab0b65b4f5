"""What a network costs: parameters, FLOPs, latency, memory."""
