"""The parts of neighbour.py: who sends, who answers, what stands between them, and what is fair."""
