"""The functional core: reports, money and time go in; decisions and commands come out.

Rules of this folder: the standard library only; no I/O, no clock, no chance, no logging, no asyncio. Time arrives
inside the inputs. The same inputs give the same outputs, always: daemon, backtest and simulator run this very code.
"""
