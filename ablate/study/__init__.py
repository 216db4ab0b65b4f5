"""What is asked: the study file, its search space, and the identity of a trial."""
