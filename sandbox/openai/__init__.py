"""OpenAI's administration interface on loopback: projects with their limits and permissions (`organisation.py`)."""
