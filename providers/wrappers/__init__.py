"""What wraps a model: each a small model around another one, freely composed, none knows another."""
