"""Fast shared state: counters, windows, marks.  ``protocol`` says what a store does, ``memory`` is the built-in one."""
