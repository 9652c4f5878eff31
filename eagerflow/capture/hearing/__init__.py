"""What a step does while it is captured, besides computing.

By file: `watching` (who reads values, and changes variables), `calls` (prints, appends, the clock), `acting` (which
functions do so), `unheard` (calls of them of which Python tells nobody), `named` (what names in code stand for),
`draws` (random numbers), `one_at_a_time` (while one thread captures a step, others run theirs), `others` (threads and
handlers of signals that come in between), `doubts` (what only shows once a run is over).
"""
