"""How well it answers, finds and refuses: questions with known answers, detection beside a plain rule, a board in git.

Reading order: `case.py` (what a case is), `cases/` (the questions), `days.py` and `truth.py` (what is right, computed
past the tools), `graders.py` (right or wrong, and why), `bills.py` and `subject.py` (the world and the product in
it), `questions.py`, `detection.py`, `scripted.py` (a provider that fails) and `hostile.py` with `attacker.py` (a
model that is the attacker): the boards' runs; `board.py` and `run.py`.
"""
