"""`python -m loyalty` is `loyalty`."""

from loyalty.cli import main

if __name__ == "__main__":
    main()
