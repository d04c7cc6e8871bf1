"""`python -m guard` is `guard`, for places where the program is not on PATH. Knows the command line, nothing else."""

from guard.cli import main

if __name__ == "__main__":
    main()
