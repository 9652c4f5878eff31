"""The checks of the doctor, one file per family of findings."""
