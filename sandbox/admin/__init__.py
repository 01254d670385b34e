"""A provider's administration interface on loopback, whichever it is: faults and a journal (`serve.py`)."""
