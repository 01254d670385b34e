"""Where charges come from: `port.py` is what a kind of bill must tell, `shapes.py` lists those that do."""
