"""`python -m eagerflow launch`: starts a script on many ranks, shows what they print, and ends them all together.

    command         the command line
    hosts           machines and how many ranks each gets
    variables       which variables of the environment ranks get
    engine          mpiexec: where it is, and how it is called
    job             one run of all ranks: what they write and how they end
    streams         lines with the rank before them, and messages of agents in between
    failure_report  which failure was the first, in words
    agent           next to each rank, on its machine: starts it, watches it, ends it
    rank            in each rank: meets the others, then runs the script

The launcher itself uses the standard library alone; so does the agent, which is run as a file.
"""
