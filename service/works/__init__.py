"""Works, their versions and signatures."""
